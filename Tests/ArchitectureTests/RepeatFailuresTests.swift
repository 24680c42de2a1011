import Foundation
import Testing

@Suite("the end of a test run's log")
struct RepeatFailuresTests {
    /// The standard output and exit code of `scripts/repeat-failures` around a command that prints a text and ends with a code.
    func run(printing text: String, code: Int32) throws -> (lines: [String], status: Int32) {
        let process = Process()
        process.executableURL = Repository.root.appending(path: "scripts/repeat-failures")
        process.arguments = ["sh", "-c", "printf %s \"$1\"; exit \(code)", "sh", text]
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: data, as: UTF8.self).components(separatedBy: "\n"), process.terminationStatus)
    }

    static let log = """
        ◇ Test run started.
        ◇ Test "rows stay" started.
        ✘ Test "rows stay" recorded an issue at RowTests.swift:7:9: Expectation failed: (rows → 3) == 4
        ↳ the third row
          and its columns
        ✘ Test "rows stay" failed after 0.242 seconds with 1 issue.
        ✔ Test "keys stay" passed after 0.1 seconds.

        """

    @Test("what failed stands at its very end, with places and details, and the run's exit code is kept")
    func failed() throws {
        let end = "✘ Test run with 2 tests in 1 suite failed after 1.0 seconds with 1 issue."
        let run = try run(printing: Self.log + end + "\n", code: 3)
        #expect(run.status == 3)
        #expect(run.lines.starts(with: (Self.log + end).components(separatedBy: "\n")))
        #expect(
            run.lines.suffix(7) == [
                "== what failed (exit code 3) ==",
                #"✘ Test "rows stay" recorded an issue at RowTests.swift:7:9: Expectation failed: (rows → 3) == 4"#,
                "  ↳ the third row", "    and its columns",
                #"✘ Test "rows stay" failed after 0.242 seconds with 1 issue."#, end, "",
            ])
    }

    @Test("of a run that broke off, the last lines are shown")
    func brokeOff() throws {
        let run = try run(printing: Self.log + "◇ Test \"a crash\" started.\n", code: 1)
        #expect(run.status == 1)
        #expect(
            run.lines.suffix(3) == [
                #"  ✔ Test "keys stay" passed after 0.1 seconds."#, "  ◇ Test \"a crash\" started.", "",
            ])
    }

    @Test(
        "where several runs stand one after the other, each that failed is named, and one that broke off between them is shown"
    )
    func several() throws {
        let end = "✘ Test run with 2 tests in 1 suite failed after 1.0 seconds with 1 issue."
        let crash = "◇ Test run started.\n◇ Test \"a crash\" started.\n"
        let whole = "◇ Test run started.\n✔ Test run with 1 test in 1 suite passed after 1.0 seconds.\n"
        let run = try run(printing: Self.log + end + "\n" + crash + whole, code: 1)
        #expect(run.status == 1)
        #expect(run.lines.contains("it broke off; its last lines:"))
        #expect(
            run.lines.suffix(4) == [
                #"  ◇ Test "a crash" started."#, #"✘ Test "rows stay" failed after 0.242 seconds with 1 issue."#, end,
                "",
            ])
    }

    @Test("nothing is added where nothing failed")
    func passed() throws {
        let run = try run(printing: "✔ Test run with 1 test passed.\n", code: 0)
        #expect(run.status == 0)
        #expect(run.lines == ["✔ Test run with 1 test passed.", ""])
    }
}
