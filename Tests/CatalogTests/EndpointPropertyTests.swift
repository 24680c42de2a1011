import Foundation
import Testing

@testable import Catalog

/// Every property of the connectors' schemas is followed, harmless to leave aside, or refused: one of the three, and the
/// manual says which of the last two.
@Suite("what is made of each property of a connector")
struct EndpointPropertyTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The paths of all properties that have none below them, but of secrets and certificates those.
    private func paths(_ connector: String) throws -> [String] {
        let file = Self.root.appending(path: "schemas/\(connector).schema.json")
        let schema = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let parts = try #require(schema["$defs"] as? [String: [String: Any]])
        func walk(_ node: [String: Any], _ path: String) -> [String] {
            let name = (node["$ref"] as? String)?.replacingOccurrences(of: "#/$defs/", with: "")
            let node = name.flatMap { ["secret", "pem"].contains($0) ? nil : parts[$0] } ?? node
            let properties = node["properties"] as? [String: [String: Any]] ?? [:]
            if properties.isEmpty { return [path] }
            return properties.flatMap { walk($1, path.isEmpty ? $0 : "\(path).\($0)") }
        }
        return walk(schema, "") + walk(try #require(parts["resource"]), "resource")
    }

    @Test("none is forgotten, none is named twice", arguments: ["source-postgres", "materialize-postgres"])
    func complete(connector: String) throws {
        let known = try #require(EndpointProperty.all(of: connector)).map(\.path)
        // What is refused as a whole stands for its parts.
        let found = Set(
            try paths(connector).map { path in known.first { path == $0 || path.hasPrefix($0 + ".") } ?? path })
        #expect(known.sorted() == found.sorted())
    }

    @Test("the manual names each that is not followed", arguments: ["source-postgres", "materialize-postgres"])
    func documented(connector: String) throws {
        let manual = try String(contentsOf: Self.root.appending(path: "docs/catalog.md"), encoding: .utf8)
        for property in EndpointProperty.all(of: connector) ?? [] {
            if case .followed = property.use { continue }
            let name = property.path.split(separator: ".").last ?? ""
            #expect(manual.contains("`\(name)`") || manual.contains("`\(property.path)`"), "\(property.path)")
        }
    }
}
