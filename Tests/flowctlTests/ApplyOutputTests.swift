import Foundation
import JSON
import Postgres
import TestSupport
import Testing

@Suite("what apply says while it runs, and how signals end it")
struct ApplyOutputTests {
    @Test("--log-level leaves out what is less grave, and --log-format json makes messages objects")
    func logging() throws {
        let pipeline = try StatusTests.Pipeline("logging")
        try pipeline.insert(1...1000)
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let objects = try FlowctlProcess.run([
            "apply", "--once", "--log-format", "json", "--log-level", "debug", pipeline.catalog,
        ])
        #expect(objects.exitCode == 0 && objects.output.isEmpty)
        let messages = try objects.errors.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(messages.allSatisfy { $0["time"]?.stringValue != nil && $0["message"]?.stringValue != nil })
        #expect(Set(messages.compactMap { $0["level"]?.stringValue }) == ["info", "debug"])
        #expect(messages.contains { $0["event"]?.stringValue == "backfill_completed" && $0["rows"]?.intValue == 1000 })
        #expect(messages.contains { $0["event"]?.stringValue == "backfill_progress" })
        let quiet = try FlowctlProcess.run(["apply", "--once", "--log-level", "warn", pipeline.catalog])
        #expect(quiet.exitCode == 0 && quiet.errors.isEmpty, "\(quiet.errors)")
        try TestServers.dropSlots(of: pipeline.source)
        let failed = try FlowctlProcess.run(["apply", "--once", "--log-level", "error", pipeline.catalog])
        #expect(failed.exitCode == 69)
        #expect(failed.errors.hasPrefix("error ") && failed.errors.contains("hint: "), "\(failed.errors)")
    }

    @Test(
        "a second signal ends it at once, while the first still waits for the destination",
        arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))] as [(Int32, Int32)])
    func secondSignal(signal: Int32, code: Int32) throws {
        // On a machine that stands still between the two signals, the first has time to end it.
        #expect(try (0..<3).contains { _ in try exitCode(afterTwo: signal) == code })
    }

    private func exitCode(afterTwo signal: Int32) throws -> Int32? {
        let pipeline = try StatusTests.Pipeline("second_signal")
        try pipeline.insert(1...10)
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let apply = try FlowctlProcess(["apply", pipeline.catalog])
        #expect(eventually(seconds: 60) { apply.errors.contains("caught up") }, "\(apply.errors)")
        let blocker = try Connection(pipeline.destination)
        try blocker.execute("BEGIN; LOCK TABLE warehouse.orders")
        try pipeline.insert(11...11)
        let eye = try Connection(pipeline.destination)
        let isWaiting = try eventually(seconds: 60) {
            try eye.query(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'warehouse.orders'::regclass")[0, 0]
                != "0"
        }
        #expect(isWaiting)
        func press() { signal == SIGINT ? apply.interrupt() : apply.terminate() }
        press()
        #expect(eventually(seconds: 60) { apply.errors.contains("stopping") }, "\(apply.errors)")
        press()
        return apply.waitForExit(seconds: 60)
    }

    @Test(
        "on a terminal a line for each table follows its progress, and stays within the width",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
    func terminal() throws {
        let pipeline = try StatusTests.Pipeline("terminal")
        try pipeline.insert(1...20_000)
        try Connection(pipeline.source).execute("ANALYZE public.orders")
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let typescript = pipeline.folder.appending(path: "typescript")
        let command = "stty cols 60 rows 24; '\(FlowctlProcess.executable.path)' apply --once '\(pipeline.catalog)'"
        let script = try ChildProcess("/usr/bin/script", ["-q", "-e", "-c", command, typescript.path], output: .null)
        #expect(script.wait() == 0)
        let text = try String(contentsOf: typescript, encoding: .utf8)
        #expect(text.contains("of ~20000 rows") && text.contains("live"), "\(text)")
        // Each drawing takes the one before it away.
        #expect(text.contains("\u{1B}[1A\u{1B}[J"))
        let board = text.split(whereSeparator: \.isNewline).filter { $0.contains("[#") || $0.contains("[.") }
        #expect(!board.isEmpty && board.allSatisfy { $0.replacing("\u{1B}[1A\u{1B}[J", with: "").count <= 60 })
    }
}
