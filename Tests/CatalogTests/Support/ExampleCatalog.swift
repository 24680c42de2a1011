import Catalog
import Diagnostics
import Foundation
import TestSupport

/// A catalog of a page of `flowctl explain`, written to a folder of its own and read from there.
struct ExampleCatalog: ~Copyable {
    private let folder: URL
    private let root: String

    /// The endpoints' configs that examples name and don't show.
    private static let configs = [
        "source.yaml": "address: \"localhost:5432\"\ndatabase: shop\npassword: { env: SHOP_PASSWORD }\n",
        "warehouse.yaml":
            "address: \"localhost:5433\"\ndatabase: wh\nuser: flow\npassword: { env: WAREHOUSE_PASSWORD }\n",
    ]

    /// Writes the example's files; one that is a shell's line is run.
    init(_ text: String) throws {
        folder = TestFolder.place("example")
        let files = text.hasPrefix("$ ") ? [] : Self.files(text)
        root = files.first?.name ?? "flow.yaml"
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in Self.configs.map({ ($0.key, $0.value) }) + files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        if files.isEmpty { try Self.shell(String(text.dropFirst(2)), in: folder) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func files(_ text: String) -> [(name: String, text: String)] {
        var files: [(name: String, text: String)] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let name = line.wholeMatch(of: /# ([\w.\/-]+\.(?:yaml|json))/)?.1 {
                files.append((String(name), ""))
            } else {
                if files.isEmpty { files.append(("flow.yaml", "")) }
                files[files.count - 1].text += line + "\n"
            }
        }
        return files
    }

    private static func shell(_ line: String, in folder: URL) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", line]
        process.currentDirectoryURL = folder
        try process.run()
        process.waitUntilExit()
    }

    /// What is said about it, and about its tests where they can be run.
    func diagnostics() -> DiagnosticCollector {
        var reading = CatalogReading(schemas: .embedded)
        var diagnostics = DiagnosticCollector()
        let catalog = reading.read(folder.appending(path: root).path, &diagnostics)
        if diagnostics.hasErrors { return diagnostics }
        let run = TestRun(catalog)
        for test in catalog.tests { diagnostics.report(run.run(test).failures.map(\.diagnostic)) }
        return diagnostics
    }
}
