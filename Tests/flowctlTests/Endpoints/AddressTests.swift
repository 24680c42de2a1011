import Foundation
import Postgres
import TestSupport
import Testing

/// Addresses that lead to no server of Postgres', and a destination that has lost what flowctl knew of it.
@Suite("what stands at an address", .timeLimit(.minutes(3)))
struct AddressTests {
    private func expect(_ table: OneTable, line: Int, _ hint: String) throws {
        let run = try FlowctlProcess.run(["apply", "--once", table.catalog])
        #expect(run.exitCode == 69 && run.errors.contains("flow.yaml:\(line):"), "\(run)")
        #expect(run.errors.contains("hint: \(hint)") && !run.errors.contains("retry"), "\(run)")
        let check = try FlowctlProcess.run(["check", table.catalog])
        #expect(check.exitCode == 69 && check.output.contains("do: \(hint)"), "\(check.output)")
        #expect(try table.isUntouched())
    }

    @Test("nobody, another kind of server, no such host, no such socket: each is told with what to look at")
    func addresses() throws {
        let table = try OneTable("addresses", rows: 1)
        let free = try LocalServer.freePort()
        try table.write(sourceAddress: "127.0.0.1:\(free)")
        try expect(table, line: OneTable.sourceLine, "nothing listens there")
        try table.write(destinationAddress: "127.0.0.1:\(free)")
        try expect(table, line: OneTable.destinationLine, "nothing listens there")
        try table.write(sourceAddress: "no..such.host")
        try expect(table, line: OneTable.sourceLine, "check the address: no host of that name")
        try table.write(sourceAddress: "\(table.folder.path):5432")
        try expect(table, line: OneTable.sourceLine, "check the address: a socket's folder")
        if SSHServer.program != nil {
            let other = try SSHServer()
            for mode in ["prefer", "disable"] {
                try table.write(advanced: ", sslmode: \(mode)", sourceAddress: "127.0.0.1:\(other.port)")
                try expect(table, line: OneTable.sourceLine, "something answers there that is no PostgreSQL server")
            }
        }
        try table.end()
    }

    @Test("a destination whose checkpoints were removed by hand is refused with what helps, and that helps")
    func lostCheckpoints() throws {
        let table = try OneTable("lost_checkpoints", rows: 3)
        try table.write()
        #expect(try FlowctlProcess.run(["apply", "--once", table.catalog]).exitCode == 0)
        let source = try Connection(table.source)
        let target = try Connection(table.destination)
        for loss in ["DROP TABLE flow.checkpoints", "DROP SCHEMA flow CASCADE"] {
            try target.execute("\(raw: loss)")
            try source.execute("INSERT INTO public.notes SELECT max(id) + 1, 'more' FROM public.notes")
            let rows = table.count(table.destination)
            try table.write()
            let run = try FlowctlProcess.run(["apply", "--once", table.catalog])
            #expect(run.exitCode == 69 && run.errors.contains("adopt: true"), "\(run)")
            #expect(
                run.errors.contains(#"the link's row was taken out of "flow"."checkpoints": nobody knows any more"#),
                "\(run)")
            #expect(table.count(table.destination) == rows, "a row moved")
            let check = try FlowctlProcess.run(["check", table.catalog])
            #expect(check.exitCode == 69 && check.output.contains("taken out of"), "\(check.output)")
            let text = try String(contentsOfFile: table.catalog, encoding: .utf8)
            try text.replacing("{ table: notes }", with: "{ table: notes, adopt: true }")
                .write(toFile: table.catalog, atomically: true, encoding: .utf8)
            let adopted = try FlowctlProcess.run(["apply", "--once", table.catalog])
            #expect(adopted.exitCode == 0, "\(adopted.errors)")
            #expect(try table.difference().isEmpty && table.count(table.destination) == rows + 1)
        }
        try table.end()
    }
}
