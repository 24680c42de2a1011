import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

/// A server whose log has each statement that defines something, with its database in front; shared by the tests of one run.
enum LoggedServer {
    private static let running = Mutex<LocalServer?>(nil)
    private static let databases = Atomic<Int>(0)

    /// How to connect to it, and where its log is.
    private static func place() throws -> (parameters: ConnectionParameters, log: URL) {
        try running.withLock { running in
            if let server = running { return (server.parameters(), URL(filePath: server.log)) }
            let server = try LocalServer(
                "plans",
                settings: [
                    ("log_statement", "ddl"), ("log_line_prefix", "%d "), ("max_replication_slots", "50"),
                    ("max_wal_senders", "50"), ("max_connections", "200"),
                ])
            running = server
            return (server.parameters(), URL(filePath: server.log))
        }
    }

    /// A new database of a name that no other test has.
    static func database(_ name: String) throws -> ConnectionParameters {
        var parameters = try place().parameters
        let unique = "\(name)_\(databases.add(1, ordering: .relaxed).newValue)"
        try Connection(parameters).execute("CREATE DATABASE \(id: unique)")
        parameters.database = unique
        return parameters
    }

    /// A place in the log to read on from.
    static func mark() throws -> Int { try Data(contentsOf: place().log).count }

    /// The statements that the server was sent in a database since a mark, but for temporary tables; sorted.
    static func definitions(in database: String, since mark: Int) throws -> [String] {
        let bytes = try Data(contentsOf: place().log).dropFirst(mark)
        var entries: [String] = []
        for line in String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n") {
            if line.hasPrefix("\t"), !entries.isEmpty {
                entries[entries.count - 1] += "\n" + line.dropFirst()
            } else {
                entries.append(line)
            }
        }
        return entries.compactMap { entry in
            for mark in ["LOG:  statement: ", "LOG:  execute <unnamed>: "] where entry.hasPrefix("\(database) \(mark)")
            {
                let sql = String(entry.dropFirst(database.count + 1 + mark.count))
                return sql.contains("TEMP TABLE") || sql.contains("pg_temp") ? nil : normal(sql)
            }
            return nil
        }.sorted()
    }

    /// A statement as it is compared: without white space around it.
    static func normal(_ sql: String) -> String { sql.trimmingCharacters(in: .whitespacesAndNewlines) }

    /// Everything that a catalog says of a database, with the transactions that wrote it, and flowctl's own rows.
    static func fingerprint(_ database: ConnectionParameters) throws -> [String?] {
        let connection = try Connection(database)
        // The session of a program that has ended may still be taking its temporary tables away.
        let temporary: SQL = "SELECT FROM pg_class WHERE relpersistence = 't'"
        guard try eventually(seconds: 60, { try connection.query(temporary).count == 0 }) else {
            throw PostgresError(operation: "look at \(database.database)", message: "temporary tables stay")
        }
        let rows = try connection.query(
            """
            SELECT (SELECT md5(string_agg(concat_ws(' ', oid, xmin, relname, relfilenode, relreplident, relowner), ',' ORDER BY oid)) FROM pg_class),
                   (SELECT md5(string_agg(concat_ws(' ', attrelid, attnum, xmin), ',' ORDER BY attrelid, attnum)) FROM pg_attribute),
                   (SELECT md5(string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)) FROM pg_type),
                   (SELECT md5(string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)) FROM pg_namespace),
                   (SELECT md5(string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)) FROM pg_proc),
                   (SELECT md5(string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)) FROM pg_constraint),
                   (SELECT md5(string_agg(concat_ws(' ', enumtypid, enumlabel, xmin), ',' ORDER BY oid)) FROM pg_enum),
                   (SELECT string_agg(concat_ws(' ', oid, xmin, pubname), ',' ORDER BY oid) FROM pg_publication),
                   (SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid) FROM pg_publication_rel),
                   (SELECT string_agg(concat_ws(' ', slot_name, confirmed_flush_lsn), ',' ORDER BY slot_name)
                      FROM pg_replication_slots WHERE database = current_database())
            """)
        var found = (0..<10).map { rows[0, $0] }
        for table in ["flow.checkpoints", "flow.bindings"] {
            let kept = try? connection.query("SELECT md5(string_agg(t.xmin || t::text, ',')) FROM \(raw: table) t")
            found.append(kept?[0, 0])
        }
        return found
    }
}

/// What `flowctl plan -o json` printed.
struct PlanOutput {
    let exitCode: Int32
    let object: [String: Any]

    init(_ outcome: FlowctlProcess.Outcome) throws {
        exitCode = outcome.exitCode
        object = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome.errors)")
    }

    var databases: [[String: Any]] { object["databases"] as? [[String: Any]] ?? [] }

    func changes(_ side: String) -> [[String: Any]] {
        databases.filter { $0["side"] as? String == side }.flatMap { $0["changes"] as? [[String: Any]] ?? [] }
    }

    func backfills() -> [[String: Any]] { databases.flatMap { $0["backfills"] as? [[String: Any]] ?? [] } }

    /// The statements that a server's log shows, as `LoggedServer.definitions` has them.
    func definitions(_ side: String) -> [String] {
        changes(side).compactMap { $0["sql"] as? String }.filter {
            !$0.contains("_REPLICATION_SLOT") && !$0.hasPrefix("TRUNCATE") && !$0.hasPrefix("LOCK")
        }.map(LoggedServer.normal).sorted()
    }

    func summary(_ name: String) -> Int? { (object["summary"] as? [String: Any])?[name] as? Int }

    var prerequisites: [[String: Any]] { object["prerequisites"] as? [[String: Any]] ?? [] }
}
