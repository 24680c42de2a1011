import Foundation
import TestSupport
import Testing

/// A git repository whose hooks are those of this one, run by the real pre-commit.
private struct HookedRepository: ~Copyable {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// On the PATH, or where `scripts/prerequisites test` puts it.
    static let program: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (folders + [root.appending(path: ".build/tools/pre-commit/bin").path]).map { $0 + "/pre-commit" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    let folder: URL

    init() throws {
        folder = TestFolder.place("hooked")
        let hooks = folder.appending(path: "hooks")
        try FileManager.default.createDirectory(at: hooks, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Self.root.appending(path: ".pre-commit-hooks.yaml"), to: hooks.appending(path: ".pre-commit-hooks.yaml")
        )
        try git("hooks", "init", "-q")
        try git("hooks", "add", ".")
        try git("hooks", "commit", "-q", "-m", "Declare hooks")
        let revision = try git("hooks", "rev-parse", "HEAD").trimmingCharacters(in: .whitespacesAndNewlines)
        try write(
            ".pre-commit-config.yaml",
            """
            repos:
              - repo: \(hooks.path)
                rev: \(revision)
                hooks: [{ id: flowctl-fmt }, { id: flowctl-validate }]
            """)
        try git("work", "init", "-q")
        try run("work", "pre-commit", "install")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func write(_ name: String, _ text: String) throws {
        let file = folder.appending(path: "work").appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: "work").appending(path: name), encoding: .utf8)
    }

    @discardableResult
    func git(_ place: String, _ arguments: String...) throws -> String {
        try run(place, "git", arguments).output
    }

    @discardableResult
    func run(_ place: String, _ program: String, _ arguments: String...) throws -> (status: Int32, output: String) {
        try run(place, program, arguments)
    }

    private func run(
        _ place: String, _ program: String, _ arguments: [String]
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = folder.appending(path: place)
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GIT_") }
        let own = [
            Program.executable?.deletingLastPathComponent().path,
            Self.program.map { ($0 as NSString).deletingLastPathComponent },
        ]
        environment["PATH"] = (own.compactMap(\.self) + [environment["PATH"] ?? ""]).joined(separator: ":")
        environment["PRE_COMMIT_HOME"] = folder.appending(path: "cache").path
        environment["GIT_CONFIG_GLOBAL"] = "/dev/null"
        for who in ["AUTHOR", "COMMITTER"] {
            environment["GIT_\(who)_NAME"] = "A"
            environment["GIT_\(who)_EMAIL"] = "a@example.org"
        }
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    static let isThere = program != nil && Program.executable != nil
}

@Suite(
    "the hooks under the real pre-commit",
    .enabled(if: HookedRepository.isThere, "pre-commit is not installed; 'scripts/prerequisites test' installs it"))
struct PreCommitTests {
    @Test(
        "a commit of a catalog is formatted, refused while at fault, and then goes through; other files are left alone")
    func commit() throws {
        let repository = try HookedRepository()
        try repository.write("catalogs/shop.yaml", "collections:\n    'a/b': {key: []}   # ours\n")
        try repository.write("other.yaml", "a:   {b: 1}\n")
        try repository.git("work", "add", ".")
        let first = try repository.run("work", "git", "commit", "-m", "Add a catalog")
        #expect(first.status != 0)
        #expect(first.output.contains("files were modified by this hook"), "\(first.output)")
        #expect(first.output.contains("error[FC0502]"), "\(first.output)")
        #expect(try repository.read("catalogs/shop.yaml") == "collections:\n  a/b: { key: [] }   # ours\n")
        #expect(try repository.read("other.yaml") == "a:   {b: 1}\n")

        try repository.write("catalogs/shop.yaml", "collections:\n  a/b: { key: [/id] }   # ours\n")
        try repository.git("work", "add", ".")
        let second = try repository.run("work", "git", "commit", "-m", "Add a catalog")
        #expect(second.status == 0, "\(second.output)")
        #expect(second.output.components(separatedBy: "Passed").count == 3, "\(second.output)")
    }
}
