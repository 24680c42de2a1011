import Foundation
import Postgres
import TestSupport

/// All changes of a moment, each in a pipeline of its own, in one run.
final class SchemaChangeRun {
    let moment: SchemaChange.Moment
    let changes: [SchemaChange]
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let folder: URL
    /// Those whose pipeline's error was said only as the whole run ended.
    private var toldLate: Set<Int> = []
    private var catalog: String { folder.appending(path: "flow.json").path }
    private var rows: Int { moment == .backfill ? 1500 : 20 }

    init(_ moment: SchemaChange.Moment, _ changes: [SchemaChange]) throws {
        self.moment = moment
        self.changes = changes
        (source, destination) = try TestServers.freshDatabases("evolution")
        admin = try Connection(source)
        try admin.execute("SET search_path = public")
        folder = TestFolder.place("evolution")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (index, change) in changes.enumerated() {
            try run(SchemaChange.types, index)
            try run("CREATE TABLE $t (\(SchemaChange.columns))", index)
            if !change.prepare.isEmpty { try run(change.prepare, index) }
            try run(SchemaChange.fill(rows), index)
        }
        try writeCatalog()
    }

    func end() throws {
        admin.close()
        try TestServers.drop(source)
        try TestServers.drop(destination)
        try FileManager.default.removeItem(at: folder)
    }

    private func name(_ index: Int) -> String { "t\(index)" }

    private func run(_ statements: String, _ index: Int) throws {
        try admin.execute("\(raw: statements.replacingOccurrences(of: "$t", with: name(index)))")
    }

    private func writeCatalog() throws {
        var captures: [String: Any] = [:]
        var collections: [String: Any] = [:]
        var materializations: [String: Any] = [:]
        func endpoint(_ image: String, _ at: ConnectionParameters, _ advanced: [String: Any]) -> [String: Any] {
            [
                "connector": [
                    "image": image,
                    "config": [
                        "address": "127.0.0.1:\(at.port)", "database": at.database, "user": at.user, "password": "none",
                        "advanced": advanced,
                    ] as [String: Any],
                ]
            ]
        }
        for index in changes.indices {
            let table = name(index)
            collections["\(table)/rows"] = ["key": ["/id"]]
            captures["\(table)/source"] = [
                "endpoint": endpoint(
                    "source-postgres:dev", source,
                    [
                        "slotName": "\(source.database)_\(table)", "publicationName": "p_\(table)",
                        "backfillWorkers": 1, "backfill_chunk_size": 50,
                    ]),
                "bindings": [["resource": ["namespace": "public", "stream": table], "target": "\(table)/rows"]],
            ]
            materializations["\(table)/sink"] = [
                "endpoint": endpoint("materialize-postgres:dev", destination, [:]),
                "bindings": [
                    ["source": "\(table)/rows", "resource": ["table": table], "fields": fields(changes[index])]
                        as [String: Any]
                ],
            ]
        }
        let text: [String: Any] = [
            "captures": captures, "collections": collections, "materializations": materializations,
        ]
        try JSONSerialization.data(withJSONObject: text).write(to: URL(filePath: catalog))
    }

    private func fields(_ change: SchemaChange) -> [String: Any] {
        var required: [String: Any] = [:]
        for name in change.asText { required[name] = ["castToString": true] }
        if let name = change.onlyField { required[name] = [String: Any]() }
        return ["recommended": change.onlyField == nil, "require": required]
    }

    // MARK: - What happens

    /// Makes every change happen at its moment; by change, what is not as it is expected to be.
    func verdicts() throws -> [String] {
        let first = try change()
        var stopped = first
        try later(stopped)
        let again = try FlowctlProcess.run(["apply", "--once", "-o", "json", catalog], seconds: 120)
        for (index, text) in errors(again.output) { stopped[index] = (stopped[index] ?? "") + text }
        return try changes.indices.compactMap { index in
            try verdict(index, first[index] ?? "", again: errors(again.output)[index] ?? "").map {
                "\(changes[index].name), \(moment.rawValue): \($0)"
            }
        }
    }

    /// By change, what stopped it.
    private func change() throws -> [Int: String] {
        switch moment {
        case .streaming, .transaction, .backfill:
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog])
            if moment == .backfill {
                _ = eventually(seconds: 60) { (try? copied() == changes.count) ?? false }
            } else {
                _ = eventually(seconds: 60) {
                    apply.lines.filter { $0.contains("\"caught_up\"") }.count == changes.count
                }
            }
            for index in changes.indices { try happen(index) }
            _ = eventually(seconds: 120) {
                let stopped = errors(apply.output)
                return changes.indices.allSatisfy { index in
                    switch changes[index].outcome(moment) {
                    case .unseen: true
                    case .stops: stopped[index] != nil
                    case .equal: stopped[index] != nil || (try? difference(index)) == ""
                    }
                }
            }
            let told = errors(apply.output)
            apply.interrupt()
            _ = apply.waitForExit(seconds: 60)
            let all = errors(apply.output)
            toldLate = Set(all.keys).subtracting(told.keys)
            return all
        case .down:
            _ = try FlowctlProcess.run(["apply", "--once", "-o", "json", catalog], seconds: 120)
            for index in changes.indices { try happen(index) }
            return errors(try FlowctlProcess.run(["apply", "--once", "-o", "json", catalog], seconds: 120).output)
        }
    }

    /// Tables of which rows were copied.
    private func copied() throws -> Int {
        let rows = try Connection(destination).query("SELECT count(*) FROM flow.bindings WHERE rows > 0")
        return rows[0, 0].flatMap { Int($0) } ?? 0
    }

    private func happen(_ index: Int) throws {
        let change = changes[index]
        if moment == .transaction { try admin.execute("BEGIN") }
        if moment == .transaction || moment == .down, !change.before.isEmpty { try run(change.before, index) }
        for statement in change.change { try run(statement, index) }
        try run(change.after, index)
        if moment == .transaction { try admin.execute("COMMIT") }
    }

    /// One more row for those that go on.
    private func later(_ stopped: [Int: String]) throws {
        for index in changes.indices where stopped[index] == nil {
            try? run("INSERT INTO $t (id) VALUES (90009)", index)
        }
    }

    /// By change, the errors that a run reported for its pipeline.
    private func errors(_ output: String) -> [Int: String] {
        var found: [Int: String] = [:]
        for line in output.components(separatedBy: "\n") where line.contains("\"event\":\"error\"") {
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let task = object["task"] as? String, let index = Int(task.dropFirst().prefix { $0 != "/" })
            else { continue }
            found[index, default: ""] += "\(object["message"] ?? "") HINT \(object["hint"] ?? "")"
        }
        return found
    }

    // MARK: - What came of it

    private func verdict(_ index: Int, _ stopped: String, again: String) throws -> String? {
        let difference = try difference(index)
        switch changes[index].outcome(moment) {
        case .equal:
            if !stopped.isEmpty || !again.isEmpty { return "it stopped: \(stopped) AGAIN \(again)" }
            return difference.isEmpty ? nil : "not equal: \(difference)"
        case .unseen: return nil
        case .stops(let reason):
            let reason = reason.replacingOccurrences(of: "$t", with: name(index))
            if again.isEmpty, !difference.isEmpty { return "SILENT (first: \(stopped)): \(difference)" }
            if stopped.isEmpty, again.isEmpty { return "it went on, and is equal" }
            if stopped.isEmpty { return "it stopped at the next start only: \(again)" }
            if toldLate.contains(index) { return "it said so only as the others ended: \(stopped)" }
            return reason.isEmpty || stopped.contains(reason) ? nil : "it stopped, and said: \(stopped)"
        }
    }

    /// What the two tables don't have in common in the source's columns; empty where they are equal.
    private func difference(_ index: Int) throws -> String {
        let table = name(index)
        let found = try Connection(source).query(
            """
            SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute a
             WHERE attrelid = to_regclass(\(literal: "public.\(table)")) AND attnum > 0 AND NOT attisdropped
            """)
        guard let columns = found[0, 0] else { return "no table" }
        let rows: SQL = """
            SELECT ROW(\(raw: columns))::text FROM public.\(id: table) ORDER BY ROW(\(raw: columns))::text COLLATE "C"
            """
        let here = try texts(Connection(source), rows)
        guard let there = try? texts(Connection(destination), rows) else { return "other columns than \(columns)" }
        guard here != there else { return "" }
        let missing = Set(here).subtracting(there)
        let extra = Set(there).subtracting(here)
        return "(\(columns)) \(missing.count) missing: \(missing.sorted().prefix(2)); "
            + "\(extra.count) extra: \(extra.sorted().prefix(2))"
    }

    private func texts(_ connection: Connection, _ sql: SQL) throws -> [String] {
        defer { connection.close() }
        let rows = try connection.query(sql)
        return (0..<rows.count).map { rows[$0, 0] ?? "" }
    }
}
