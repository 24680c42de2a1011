import Catalog
import Connectors
import Glibc

/// Files read and written as a whole.
enum WholeFile {
    /// Throws a `RunError` that names the file.
    static func read(_ path: String) throws -> [UInt8] {
        do {
            return try FileSystem.read(path)
        } catch {
            throw RunError(.needsOperator, operation: "read", object: path, message: error.reason)
        }
    }

    /// Replaces the file, or makes it where there is none; throws a `RunError` that names it.
    static func write(_ path: String, _ bytes: [UInt8]) throws {
        do {
            try FileReplacement.write(path, bytes)
        } catch {
            throw RunError(.needsOperator, operation: "write", object: path, message: error.reason)
        }
    }
}

/// Where an editor finds the catalog's JSON Schema from a file.
enum SchemaAddress {
    /// The first line of a catalog: the nearest `schemas/catalog.schema.json` of the folders above, else a file beside it
    /// that `flowctl schema` writes.
    static func modeline(for file: String) -> String {
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        var up = ""
        for _ in 0..<6 {
            let relative = up + "schemas/catalog.schema.json"
            let path = folder.isEmpty ? (file.hasPrefix("/") ? "/" : "") + relative : folder + "/" + relative
            if access(path, R_OK) == 0 { return line(relative) }
            up += "../"
        }
        return line("catalog.schema.json")
            + "\n# (flowctl schema > catalog.schema.json makes that file for your editor)"
    }

    private static func line(_ address: String) -> String { "# yaml-language-server: $schema=\(address)" }
}
