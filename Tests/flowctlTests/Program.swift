import Foundation
import TestSupport

/// The program as it was built, run as a user runs it.
struct Program {
    /// What a run printed and how it ended.
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// A folder of its own for each test's files.
    let folder: URL

    init() throws {
        folder = TestFolder.place("flowctl")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Beside the bundle of tests that is running.
    static let executable: URL? = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        let found = URL(filePath: bundle).deletingLastPathComponent().appending(path: "flowctl")
        return FileManager.default.isExecutableFile(atPath: found.path) ? found : nil
    }()

    func write(_ name: String, _ text: String) throws {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    func run(_ arguments: [String], input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let files = try ["in", "out", "err"].map { name in
            let file = folder.appending(path: ".\(name)")
            try (name == "in" ? input : "").write(to: file, atomically: true, encoding: .utf8)
            return file
        }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOf: files[1], encoding: .utf8),
            errors: try String(contentsOf: files[2], encoding: .utf8))
    }

    /// What a line of bash does in the folder, and all that it prints; `$0` is the program.
    func shell(_ line: String) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", line, Self.executable?.path ?? ""]
        process.currentDirectoryURL = folder
        let output = folder.appending(path: "output")
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = process.standardOutput
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOf: output, encoding: .utf8))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
