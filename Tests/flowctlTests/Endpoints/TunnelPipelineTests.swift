import Foundation
import Postgres
import TestSupport
import Testing

@Suite("a pipeline through SSH tunnels", .enabled(if: SSHServer.program != nil), .timeLimit(.minutes(10)))
struct TunnelPipelineTests {
    /// The processes whose arguments hold a text.
    private func processes(with text: String) -> [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.filter { Int($0) != nil }.compactMap { process in
            guard let data = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return nil }
            let line = String(decoding: data, as: UTF8.self).replacing("\0", with: " ")
            return line.hasPrefix("ssh -N ") && line.contains(text) ? line : nil
        }
    }

    @Test(
        "no row is lost or doubled while tunnels of both ends are cut and the SSH host goes away; none outlives flowctl"
    )
    func cuts() throws {
        let server = try SSHServer()
        let table = try OneTable("cuts", rows: 20_000)
        try table.write(
            source: [server.property()], destination: [server.property()], advanced: ", backfill_chunk_size: 1000")
        let apply = try FlowctlProcess(["apply", "-o", "json", table.catalog])
        let writer = try Connection(table.source)
        var id = 20_000
        func write(seconds: Double, until condition: () -> Bool = { false }) throws {
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(seconds), !condition() {
                try writer.execute(
                    """
                    INSERT INTO public.notes SELECT g, 'later ' || g
                      FROM generate_series(\(raw: String(id + 1)), \(raw: String(id + 5))) g;
                    UPDATE public.notes SET text = text || '+' WHERE id = \(raw: String(id / 2));
                    DELETE FROM public.notes WHERE id = \(raw: String(id - 19_000))
                    """)
                id += 5
                usleep(10_000)
            }
        }
        // While it copies, and twice while rows flow.
        #expect(eventually(seconds: 60) { table.count(table.destination) > 0 }, "\(apply.errors)")
        try write(seconds: 0.3)
        #expect(server.cut() > 0)
        try write(seconds: 60) { apply.output.contains("\"retry\"") && apply.output.contains("caught_up") }
        for _ in 0..<2 {
            let retries = apply.lines.filter { $0.contains("\"retry\"") }.count
            let seen = id
            try write(seconds: 60) {
                let last = try? Connection(table.destination).query("SELECT max(id) FROM public.notes")[0, 0]
                return Int(last.flatMap { $0 } ?? "") ?? 0 > seen
            }
            #expect(server.cut() > 0)
            try write(seconds: 60) { apply.lines.filter { $0.contains("\"retry\"") }.count > retries }
        }
        server.stop()
        try write(seconds: 60) { apply.output.contains("Connection refused") }
        try server.start()
        try write(seconds: 0.5)
        #expect(
            eventually(seconds: 90) {
                let last = try? Connection(table.destination).query("SELECT max(id) FROM public.notes")[0, 0]
                return last.flatMap { $0 } == String(id)
            }, "\(apply.errors)\n\(apply.lines.suffix(5))")
        let isEqual = eventually(seconds: 60) { (try? table.difference().isEmpty) == true }
        let difference = try table.difference()
        #expect(isEqual && difference.rows > 19_000, "\(difference)")
        let shown = apply.output + apply.errors
        #expect(!shown.contains("PRIVATE KEY") && !shown.contains("b3BlbnNzaC1rZXk"))
        let mine = "-p \(server.port) "
        #expect(processes(with: mine).count == 2)
        for line in processes(with: mine) { #expect(!line.contains("PRIVATE KEY")) }
        apply.kill9()
        #expect(eventually(seconds: 60) { processes(with: mine).isEmpty }, "\(processes(with: mine))")
        // What was killed goes on, and ends by itself.
        let once = try FlowctlProcess.run(["apply", "--once", table.catalog])
        #expect(once.exitCode == 0, "\(once.errors)")
        #expect(try table.difference().isEmpty)
        #expect(processes(with: mine).isEmpty)
        for command in ["check", "status"] {
            let looked = try FlowctlProcess.run([command, table.catalog])
            #expect(!(looked.output + looked.errors).contains("refused"), "\(looked.output)\(looked.errors)")
        }
        #expect(processes(with: mine).isEmpty)
        try table.end()
    }

    @Test("a tunnel that can't be made ends the run with 69, one message at its line and its remedy; nothing was made")
    func refusals() throws {
        let server = try SSHServer()
        let table = try OneTable("tunnel_refused", rows: 1)
        let wrongKey = server.property(key: "stranger")
        let unknown = server.property(known: "none")
        let noHost = server.property(endpoint: "ssh://\(SSHServer.user)@127.0.0.1:1")
        let noKey = server.property(key: "user.pub")
        let cases: [(property: String, words: [String])] = [
            (wrongKey, ["refuses the user", "hint: add the public half"]),
            (unknown, ["is not known", "hint: compare what"]),
            (noHost, ["Connection refused", "hint: check networkTunnel.sshForwarding.sshEndpoint"]),
            (noKey, ["not a private key", "hint: give its whole text"]),
        ]
        for (property, words) in cases {
            for isSource in [true, false] {
                try table.write(source: isSource ? [property] : [], destination: isSource ? [] : [property])
                try expect(table, isSource, words)
            }
        }
        try table.write(source: [server.property()], sourceAddress: "127.0.0.1:1")
        try expect(table, true, ["does not reach 127.0.0.1:1", "as the SSH host sees it"])
        try table.write(destination: [server.property()], destinationAddress: "127.0.0.1:1")
        try expect(table, false, ["does not reach 127.0.0.1:1", "as the SSH host sees it"])
        // Where there is no ssh.
        let bare = table.folder.appending(path: "bin")
        try FileManager.default.createDirectory(at: bare, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: bare.appending(path: "sh").path, withDestinationPath: "/bin/sh")
        try table.write(source: [server.property()])
        try expect(table, true, ["no ssh program", "openssh-client"], ["PATH": bare.path])
        try table.end()
    }

    private func expect(
        _ table: OneTable, _ isSource: Bool, _ words: [String], _ environment: [String: String] = [:]
    ) throws {
        let line = isSource ? OneTable.sourceLine : OneTable.destinationLine
        let outcome = try FlowctlProcess.run(["apply", "--once", table.catalog], environment: environment)
        let shown = outcome.output + outcome.errors
        #expect(outcome.exitCode == 69 && shown.contains("flow.yaml:\(line):"), "\(words) \(shown)")
        for word in words { #expect(outcome.errors.contains(word), "\(word) in \(shown)") }
        #expect(!shown.contains("PRIVATE KEY-----\n") && !shown.contains("retry"), "\(shown)")
        #expect(outcome.errors.components(separatedBy: "error  ").count == 2, "\(shown)")
        let checked = try FlowctlProcess.run(["check", table.catalog], environment: environment)
        #expect(checked.exitCode == 69 && checked.output.contains(words[0]), "\(words) \(checked)")
        #expect(try table.isUntouched())
    }
}
