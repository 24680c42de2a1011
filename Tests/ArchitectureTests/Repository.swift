import Foundation

/// The checkout that the tests were built from.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The text of a file, by its path from the root.
    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Every file below a folder whose name ends in `suffix`, by its path from the root, in order.
    static func files(under folder: String, suffix: String = "") -> [String] {
        let all = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
        let found = all?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }.sorted()
    }

    /// Every Swift file of the program.
    static let sources = files(under: "Sources", suffix: ".swift")

    /// The rooms: folders of `Sources`.
    static func rooms() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path).sorted()
    }
}
