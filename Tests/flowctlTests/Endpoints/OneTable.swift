import Foundation
import Postgres
import TestSupport

/// A catalog of one table between two databases, whose endpoints say what a test wants them to. Lines are where they are.
struct OneTable {
    static let sourceLine = 4
    static let destinationLine = 8

    let source: ConnectionParameters
    let destination: ConnectionParameters
    let folder: URL
    var catalog: String { folder.appending(path: "flow.yaml").path }

    /// Two new databases at the shared servers, with a table of so many rows.
    init(_ name: String, rows: Int) throws {
        let (source, destination) = try TestServers.freshDatabases(name)
        try self.init(source, destination, rows: rows)
    }

    init(_ source: ConnectionParameters, _ destination: ConnectionParameters, rows: Int) throws {
        self.source = source
        self.destination = destination
        try Connection(source).execute(
            """
            CREATE TABLE public.notes (id int PRIMARY KEY, text text);
            INSERT INTO public.notes SELECT g, 'note ' || g FROM generate_series(1, \(raw: String(rows))) g
            """)
        folder = TestFolder.place("one-table")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// `source` and `destination` are more properties of the configs; `advanced` are more of the source's.
    func write(
        source more: [String] = [], destination other: [String] = [], advanced: String = "",
        sourceAddress: String? = nil, destinationAddress: String? = nil
    ) throws {
        func config(_ parameters: ConnectionParameters, _ address: String?, _ more: [String]) -> String {
            let own = [
                "address: \"\(address ?? "127.0.0.1:\(parameters.port)")\"", "database: \(parameters.database)",
                "user: \(parameters.user)", "password: none",
            ]
            return "{ " + (own + more).joined(separator: ", ") + " }"
        }
        let slot = "advanced: { slotName: \(source.database)\(advanced) }"
        try """
        collections: { shop/notes: { key: [/id] } }
        captures:
          shop/source:
            endpoint: { connector: { image: source-postgres, config: \(config(source, sourceAddress, more + [slot])) } }
            bindings: [ { resource: { namespace: public, stream: notes }, target: shop/notes } ]
        materializations:
          shop/destination:
            endpoint: { connector: { image: materialize-postgres, config: \(config(destination, destinationAddress, other)) } }
            bindings: [ { source: shop/notes, resource: { table: notes } } ]
        """.write(toFile: catalog, atomically: true, encoding: .utf8)
    }

    func difference() throws -> TableDifference {
        try tableDifference(
            TableAt(source, "public", "notes"), TableAt(destination, "public", "notes"), columns: ["id", "text"],
            key: ["id"])
    }

    func count(_ parameters: ConnectionParameters) -> Int {
        let rows = try? Connection(parameters).query("SELECT count(*) FROM public.notes")
        return rows?[0, 0].flatMap { Int($0) } ?? 0
    }

    /// Whether anything was made in either database.
    func isUntouched() throws -> Bool {
        let slots = try Connection(source).query(
            """
            SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()),
                   (SELECT count(*) FROM pg_publication)
            """)
        let tables = try Connection(destination).query(
            "SELECT to_regnamespace('flow') IS NULL AND to_regclass('public.notes') IS NULL")
        return slots[0, 0] == "0" && slots[0, 1] == "0" && tables[0, 0] == "t"
    }

    func end() throws {
        try TestServers.drop(source)
        try TestServers.drop(destination)
        try FileManager.default.removeItem(at: folder)
    }
}
