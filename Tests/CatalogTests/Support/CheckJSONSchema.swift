import Foundation

/// The program check-jsonschema, which `make test` puts under `.build/tools` where there is a Python.
enum CheckJSONSchema {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Where the program is; nil where it isn't.
    static let executable: URL? = {
        let file = root.appending(path: ".build/tools/check-jsonschema/bin/check-jsonschema")
        return FileManager.default.isExecutableFile(atPath: file.path) ? file : nil
    }()

    /// What it says about files: those it finds invalid, each with the first message.
    static func invalid(_ files: [URL], by schema: URL) throws -> [String: String] {
        struct Answer: Decodable {
            struct Failure: Decodable {
                let filename: String
                let path: String
                let message: String
            }
            let errors: [Failure]?
        }
        let process = Process()
        process.executableURL = executable
        process.arguments = ["-o", "json", "--schemafile", schema.path] + files.map(\.path)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let failures = try JSONDecoder().decode(Answer.self, from: answer).errors ?? []
        return Dictionary(
            failures.map { ($0.filename, "\($0.path): \($0.message)") }, uniquingKeysWith: { first, _ in first })
    }
}
