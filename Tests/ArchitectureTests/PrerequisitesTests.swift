import Foundation
import TestSupport
import Testing

/// Runs `scripts/prerequisites` on a machine made of stand-ins: a folder that is its whole PATH.
private struct StandInMachine: ~Copyable {
    let folder: URL

    /// `programs` are shell scripts by name, beside those that tests of connections meet.
    init(_ programs: [String: String], hasConnections: Bool = true) throws {
        var programs = programs
        if hasConnections { for name in ["openssl", "ssh", "sshd", "pgbouncer"] { programs[name] = "exit 0" } }
        folder = TestFolder.place("prerequisites")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for tool in ["grep", "head", "env", "mkdir", "rm"] {
            let real = ["/usr/bin/\(tool)", "/bin/\(tool)"].first { FileManager.default.isExecutableFile(atPath: $0) }
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: tool).path, withDestinationPath: try #require(real))
        }
        for (name, body) in programs {
            let file = folder.appending(path: name)
            try "#!/bin/sh\n\(body)\n".write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func run(
        _ step: String, script: URL = Repository.root.appending(path: "scripts/prerequisites")
    ) throws -> (status: Int32, errors: String, calls: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [script.path, step]
        process.environment = [
            "PATH": folder.path, "CALLS": folder.appending(path: "calls").path,
            "FLOWCTL_POSTGRES_BIN": folder.appending(path: "server").path, "FLOWCTL_SBIN": folder.path,
        ]
        let errors = Pipe()
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let calls = try? String(contentsOf: folder.appending(path: "calls"), encoding: .utf8)
        return (process.terminationStatus, text, calls ?? "")
    }
}

@Suite("the check of prerequisites")
struct PrerequisitesTests {
    static let swift = "echo 'Swift version 6.3.1 (swift-6.3.1-RELEASE)'"
    static let nothing = "exit 1"
    static let root = "echo 0"
    static let user = "echo 1000"
    static let recording = #"echo "apt-get $*" >>"$CALLS""#

    @Test("a machine that has everything needs no rights and changes nothing")
    func allThere() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": "exit 0", "initdb": "", "postgres": "", "id": Self.user,
            "apt-get": Self.recording,
        ])
        let result = try machine.run("test")
        #expect(result.status == 0)
        #expect(result.errors.isEmpty)
        #expect(result.calls.isEmpty)
    }

    @Test("what starts services is not installed for somebody who is not root; the tests that need it are named")
    func connections() throws {
        let machine = try StandInMachine(
            [
                "swift": Self.swift, "pkg-config": "exit 0", "initdb": "", "postgres": "", "id": Self.user,
                "apt-get": Self.recording,
            ], hasConnections: false)
        let result = try machine.run("test")
        #expect(result.status == 0)
        #expect(result.errors.contains("need openssl openssh-client openssh-server pgbouncer will be skipped"))
        #expect(result.calls.isEmpty)
    }

    @Test("what only a test needs is named where it can't be installed, and stops nothing")
    func toolsOfTests() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": "exit 0", "initdb": "", "postgres": "", "id": Self.user,
            "python3": Self.nothing, "npm": "exit 0",
        ])
        // A package whose .build can't have a folder in it.
        let scripts = machine.folder.appending(path: "package/scripts")
        try FileManager.default.createDirectory(at: scripts, withIntermediateDirectories: true)
        try Data().write(to: machine.folder.appending(path: "package/.build"))
        let script = scripts.appending(path: "prerequisites")
        try FileManager.default.copyItem(at: Repository.root.appending(path: "scripts/prerequisites"), to: script)
        let result = try machine.run("test", script: script)
        #expect(result.status == 0)
        let said = result.errors.components(separatedBy: "it could not be installed").count - 1
        #expect(said == 4, "\(result.errors)")
    }

    @Test("root has what is missing installed, and asks nothing")
    func rootInstalls() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": Self.nothing, "id": Self.root, "initdb": "", "postgres": "",
            "apt-get": Self.recording,
        ])
        let result = try machine.run("test")
        #expect(result.status == 0)
        #expect(result.calls.contains("apt-get update"))
        #expect(result.calls.contains("apt-get install -y --no-install-recommends libyaml-dev libpq-dev\n"))
    }

    @Test("a user whose sudo asks nothing installs through it")
    func sudoInstalls() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": Self.nothing, "id": Self.user, "initdb": "", "postgres": "",
            "apt-get": Self.recording,
            "sudo": #"echo "sudo $1" >>"$CALLS"; shift; exec "$@""#, "true": "exit 0",
        ])
        let result = try machine.run("test")
        #expect(result.status == 0)
        #expect(result.calls.contains("sudo -n"))
        #expect(result.calls.contains("apt-get install -y --no-install-recommends libyaml-dev libpq-dev\n"))
    }

    @Test("a user without rights gets the one line to run")
    func userIsTold() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": Self.nothing, "id": Self.user, "initdb": "", "postgres": "",
            "apt-get": Self.recording, "sudo": "exit 1",
        ])
        let result = try machine.run("test")
        #expect(result.status == 69)
        let line =
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends libyaml-dev libpq-dev\n"
        #expect(result.errors.hasSuffix(line))
        #expect(result.calls.isEmpty)
    }

    @Test("a machine without apt is told the names of what is missing")
    func noApt() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": Self.nothing, "id": Self.root, "initdb": "", "postgres": "",
        ])
        let result = try machine.run("test")
        #expect(result.status == 69)
        #expect(result.errors.contains("libyaml-dev libpq-dev"))
    }

    @Test("without a Swift that can read the manifest it stops before all else", arguments: [nil, "5.10.1", "6.1.3"])
    func oldSwift(version: String?) throws {
        var programs = ["pkg-config": Self.nothing, "id": Self.root, "apt-get": Self.recording]
        if let version { programs["swift"] = "echo 'Swift version \(version)'" }
        let result = try StandInMachine(programs).run("build")
        #expect(result.status == 69)
        #expect(result.errors.contains("Swift 6.2 or later"))
        #expect(result.calls.isEmpty)
    }

    @Test("a build needs no server")
    func buildNeedsNoServer() throws {
        let machine = try StandInMachine([
            "swift": Self.swift, "pkg-config": "exit 0", "id": Self.user, "apt-get": Self.recording,
        ])
        #expect(try machine.run("build").status == 0)
    }
}
