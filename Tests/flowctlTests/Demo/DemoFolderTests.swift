import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

@Suite("the demo's folder, and how the demo ends early")
struct DemoFolderTests {
    private let parameters = ConnectionParameters(
        host: "127.0.0.1", port: 20_001, database: "shop", user: "flow", password: nil)

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let parent = TestFolder.place("demo")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: parent) }
        try body(parent)
    }

    @Test("its own files are written again; a changed or a foreign one is kept, and the next free folder is taken")
    func changedFiles() throws {
        try withFolder { parent in
            let wanted = parent.appending(path: "flow-demo").path
            for _ in 0..<2 {
                let folder = try DemoFolder.claim(wanted + "/")
                #expect(folder.path == wanted)
                try folder.write(source: parameters, destination: parameters)
            }
            try "mine".write(toFile: "\(wanted)/catalog.yaml", atomically: false, encoding: .utf8)
            let second = try DemoFolder.claim(wanted)
            #expect(second.path == wanted + "-2")
            try "foreign".write(toFile: "\(second.path)/README.md", atomically: false, encoding: .utf8)
            #expect(try DemoFolder.claim(wanted).path == wanted + "-3")
            #expect(try String(contentsOfFile: "\(wanted)/catalog.yaml", encoding: .utf8) == "mine")
            #expect(try String(contentsOfFile: "\(second.path)/README.md", encoding: .utf8) == "foreign")
        }
    }

    @Test("a folder that can't be made ends it with 69 before any server starts, as a message in the form asked for")
    func impossibleFolder() throws {
        let outcome = try FlowctlProcess.run(["demo", "--folder", "/proc/nope", "--log-format", "json"])
        #expect(outcome.exitCode == 69)
        let lines = outcome.errors.split(separator: "\n")
        #expect(
            lines.count == 1 && lines[0].contains(#""level":"error""#) && lines[0].contains("/proc/nope"), "\(lines)")
    }

    @Test("a terminal that closes as it begins ends it with 0, without a catalog and without a server that stays")
    func hangUp() throws {
        try withFolder { parent in
            let servers = parent.appending(path: "servers")
            try FileManager.default.createDirectory(
                at: servers, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: parent.path)
            // The first server is made as the terminal has closed.
            let binaries = try ServerBinaries.find()
            let slow = parent.appending(path: "bin")
            try FileManager.default.createDirectory(at: slow, withIntermediateDirectories: true)
            let go = parent.appending(path: "go")
            for program in ["initdb", "postgres"] {
                let script = slow.appending(path: program)
                let variables = binaries.environment.map { "export \($0.key)='\($0.value)'\n" }.joined()
                try """
                #!/bin/sh
                while [ ! -e '\(go.path)' ]; do sleep 0.05; done
                \(variables)exec '\(binaries.program(program))' "$@"

                """.write(to: script, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
            }
            let run = try FlowctlProcess(
                ["demo"], environment: ["TMPDIR": servers.path, ServerBinaries.variable: slow.path], directory: parent)
            let hasBegun = try eventually(seconds: 60) {
                try !FileManager.default.contentsOfDirectory(atPath: servers.path).isEmpty
            }
            #expect(hasBegun)
            run.hangUp()
            run.hangUp()
            try Data().write(to: go)
            #expect(run.waitForExit(seconds: 60) == 0, "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: parent.appending(path: "flow-demo/catalog.yaml").path))
            #expect(!run.errors.contains("traffic"), "\(run.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: servers.path).isEmpty)
        }
    }
}
