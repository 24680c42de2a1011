import Foundation
import Postgres
import TestSupport

/// A catalog of many tables between two databases, in a folder of its own, applied with the built program.
final class PipelineFolder {
    struct Table {
        var schema: String
        var name: String
        var key: [String]
        var advanced = ""
        var isDelta = false
        var destination: String?
        /// `backfill` of the materialization's binding.
        var rebuild = 0
        /// `backfill` of the capture's binding.
        var readAgain = 0
    }

    /// May be set to another server that goes on with the same data.
    var source: ConnectionParameters
    let destination: ConnectionParameters
    let folder: URL
    /// More of the materialization's config.
    var config: [String: Any] = [:]
    /// The materialization's `tasks`.
    var tasks = 1
    /// The capture's `advanced`.
    private let advanced: [String: Any]

    init(
        _ source: ConnectionParameters, _ destination: ConnectionParameters, slot: String,
        advanced: [String: Any] = [:]
    ) throws {
        self.source = source
        self.destination = destination
        self.advanced = advanced.merging(["slotName": slot]) { $1 }
        folder = TestFolder.place("flowctl")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
        try? TestServers.drop(source)
        try? TestServers.drop(destination)
    }

    /// Writes the catalog and runs `apply`, with `--once` unless other arguments are given.
    func apply(_ tables: [Table], _ arguments: [String] = ["--once"], seconds: Double = 120) throws
        -> FlowctlProcess.Outcome
    {
        let file = try write(tables)
        return try FlowctlProcess.run(["apply"] + arguments + ["-o", "json", file], seconds: seconds)
    }

    /// Writes the catalog; its path.
    func write(_ tables: [Table]) throws -> String {
        let file = folder.appending(path: "flow.json")
        try JSONSerialization.data(withJSONObject: catalog(tables)).write(to: file)
        return file.path
    }

    private func endpoint(_ image: String, _ at: ConnectionParameters, _ more: [String: Any]) -> [String: Any] {
        var config: [String: Any] = [
            "address": "127.0.0.1:\(at.port)", "database": at.database, "user": at.user, "password": "none",
        ]
        config.merge(more) { $1 }
        return ["connector": ["image": image, "config": config]]
    }

    private func catalog(_ tables: [Table]) -> [String: Any] {
        var collections: [String: Any] = [:]
        var capture: [[String: Any]] = []
        var materialization: [[String: Any]] = []
        for table in tables {
            // One that goes to two tables is captured once.
            let wanted = QualifiedName(table.schema, table.name)
            let first = tables.firstIndex { QualifiedName($0.schema, $0.name) == wanted } ?? 0
            let collection = "fidelity/c\(first)"
            collections[collection] = [
                "key": table.key.map { column in
                    "/" + column.replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1")
                }
            ]
            if !capture.contains(where: { $0["target"] as? String == collection }) {
                capture.append([
                    "resource": ["namespace": table.schema, "stream": table.name], "target": collection,
                    "backfill": table.readAgain,
                ])
            }
            var resource: [String: Any] = ["schema": table.schema, "table": table.destination ?? table.name]
            if table.isDelta { resource["delta_updates"] = true }
            materialization.append(["source": collection, "resource": resource, "backfill": table.rebuild])
        }
        return [
            "captures": [
                "fidelity/source": [
                    "endpoint": endpoint("source-postgres:dev", source, ["advanced": advanced]),
                    "bindings": capture,
                ]
            ],
            "collections": collections,
            "materializations": [
                "fidelity/destination": [
                    "endpoint": endpoint(
                        "materialize-postgres:dev", destination, config.merging(["tasks": tasks]) { $1 }),
                    "bindings": materialization,
                ]
            ],
        ]
    }

    /// The tables whose text is not the same at both ends.
    func differences(_ tables: [(source: String, destination: String)]) throws -> [String] {
        let here = try PipelineFolder.hashes(tables.map(\.source), Connection(source))
        let there = try PipelineFolder.hashes(tables.map(\.destination), Connection(destination))
        return tables.indices.filter { here[$0] != there[$0] }.map { index in
            "\(tables[index].source): \(here[index]) at the source, \(there[index]) at the destination"
        }
    }

    /// Rows, a hash of their text and of the columns' names and types, by table.
    private static func hashes(_ tables: [String], _ connection: Connection) throws -> [String] {
        var found: [String] = []
        for table in tables {
            guard
                let rows = try? connection.query(
                    """
                    SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")),
                           (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname)
                              FROM pg_attribute WHERE attrelid = \(literal: table)::regclass AND attnum > 0
                               AND NOT attisdropped AND attgenerated = '')
                      FROM \(raw: table) t
                    """)
            else {
                found.append("no table")
                continue
            }
            found.append("\(rows[0, 0] ?? "") rows, \(rows[0, 1] ?? "none") (\(rows[0, 2] ?? ""))")
        }
        return found
    }
}
