import Foundation
import Postgres
import TestSupport
import Testing

@Suite(
    "a catalog in an editor, with the real yaml-language-server",
    .enabled(
        if: LanguageServer.program != nil && Program.executable != nil,
        "yaml-language-server is not installed; 'scripts/prerequisites test' installs it where npm can"))
struct EditorTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let shop = root.appending(path: "catalogs/shop.yaml")

    /// A file that is not on the disk, beside the catalog of which it is a changed copy.
    private static func changed(_ changes: (from: String, to: String)...) throws -> (file: URL, text: String) {
        var text = try String(contentsOf: shop, encoding: .utf8)
        for change in changes {
            try #require(text.contains(change.from))
            text = text.replacing(change.from, with: change.to, maxReplacements: 1)
        }
        return (shop.deletingLastPathComponent().appending(path: "\(UUID().uuidString).yaml"), text)
    }

    /// The line of the first text like this, from 1.
    private static func line(_ part: String, _ text: String) throws -> Int {
        try #require(text.components(separatedBy: "\n").firstIndex { $0.contains(part) }) + 1
    }

    @Test("catalogs without a fault show none", arguments: ["catalogs/shop.yaml", "catalogs/shared/collections.yaml"])
    func valid(path: String) throws {
        let file = Self.root.appending(path: path)
        #expect(try LanguageServer().open(file, String(contentsOf: file, encoding: .utf8)) == [])
    }

    @Test("a file of discover's is understood by its first line, with the schema that flowctl schema prints")
    func discovered() throws {
        let database = try TestServer.source.database("editor")
        try Connection(database).execute(
            "CREATE TABLE public.people (id int PRIMARY KEY, name varchar(40) NOT NULL, tags text[], doc jsonb)")
        let program = try Program()
        defer { program.remove() }
        let url = "postgres://\(database.user)@127.0.0.1:\(database.port)/\(database.database)"
        let made = try program.run(["discover", "--source", url, "--materialize", url + "_copy", "shop.yaml"])
        #expect(made.status == 0, "\(made.errors)")
        try program.write("catalog.schema.json", try program.run(["schema"]).output)
        let file = program.folder.appending(path: "shop.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let server = try LanguageServer()
        #expect(try server.open(file, text) == [])
        let broken = text.replacing("address:", with: "adress:", maxReplacements: 1)
        let faults = try server.open(program.folder.appending(path: "broken.yaml"), broken)
        #expect(try faults.contains { $0.line == (try Self.line("adress:", broken)) && $0.message.contains("adress") })
    }

    @Test(
        "a fault is shown at its line",
        arguments: [
            ("collections:\n", "colections:\n", "colections:", "colections"),
            ("key: [/id]", "key: /id", "key: /id", "array"),
            ("target: shop/orders", "target: 7", "target: 7", "string"),
            ("database: shop", "database: [shop]", "database: [shop]", "string"),
            ("slotName: flow_slot", "slotNam: flow_slot", "slotNam", "slotNam"),
            ("stream: orders,", "stream: orders, tabel: x,", "tabel", "tabel"),
            ("resource: { table: orders }", "resource: { tabel: orders }", "tabel: orders", "tabel"),
            ("syncMode: incremental", "syncMode: now", "syncMode: now", "incremental"),
        ])
    func faults(from: String, to: String, place: String, word: String) throws {
        let (file, text) = try Self.changed((from, to))
        let faults = try LanguageServer().open(file, text)
        let line = try Self.line(place, text)
        #expect(faults.contains { $0.line == line && $0.message.contains(word) }, "\(faults)")
    }

    @Test("names and values that fit are offered, those of the connectors included")
    func completion() throws {
        let server = try LanguageServer()
        func offered(after line: String, _ typed: String) throws -> [String] {
            let (file, text) = try Self.changed((line + "\n", line + "\n" + typed + "\n"))
            _ = try server.open(file, text)
            return try server.completions(file, line: try Self.line(line, text) + 1, column: typed.count + 1)
        }
        #expect(try offered(after: "import: [shared/collections.yaml]", "").contains("tests"))
        let endpoint = try offered(after: "          user: flow_capture", "          ")
        #expect(endpoint.contains("networkTunnel") && endpoint.contains("discoveryFilters"), "\(endpoint)")
        let binding = try offered(after: "        target: shop/orders", "        ")
        #expect(binding.contains("disable") && binding.contains("backfill"), "\(binding)")
        let policy = try offered(
            after: "        resource: { table: orders }", "        onIncompatibleSchemaChange: ")
        #expect(Set(["backfill", "abort", "disableBinding", "disableTask"]).isSubset(of: policy), "\(policy)")
    }

    @Test("what a property means is shown over it")
    func hover() throws {
        let server = try LanguageServer()
        let (file, text) = try Self.changed()
        _ = try server.open(file, text)
        func shown(_ part: String) throws -> String {
            try server.hover(file, line: try Self.line(part, text), column: 1 + part.prefix { $0 == " " }.count + 2)
        }
        #expect(try shown("materializations:").contains("Materializations by name"))
        #expect(try shown("          address: localhost:5432").contains("Where the source database listens"))
        #expect(try shown("          address: localhost:5433").contains("destination"))
    }
}
