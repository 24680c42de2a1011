import Connectors
import Postgres

/// What the source server shows itself to be.
struct SourceServer {
    var version: Int
    var walLevel: String
    var isStandby: Bool
    /// Of the database: `UTF8`.
    var encoding: String?

    init(_ connection: Connection) throws {
        let rows = try connection.query(
            """
            SELECT current_setting('server_version_num'), current_setting('wal_level'), pg_is_in_recovery(),
                   getdatabaseencoding()
            """)
        version = rows[0, 0].flatMap { Int($0) } ?? 0
        walLevel = rows[0, 1] ?? ""
        isStandby = rows[0, 2] == "t"
        encoding = rows[0, 3]
    }

    /// Where the log ends: nothing that is committed is after it. On a standby, what it has replayed.
    func endOfLog(_ connection: Connection) throws -> LogPosition {
        let rows = try connection.query(
            isStandby ? "SELECT pg_last_wal_replay_lsn()" : "SELECT pg_current_wal_insert_lsn()")
        return rows[0, 0].flatMap { LogPosition($0) } ?? .zero
    }

    /// What the config asks for and this server can't do.
    func requireFailover(_ config: PostgresCaptureConfig) throws {
        guard config.isFailover else { return }
        guard version >= 170_000 else {
            throw RunError(
                .needsOperator, operation: "use", object: "the source server",
                message: "advanced.failoverSlot is set, and its version \(version / 10_000) has no failover slots; 17 "
                    + "is the first that has",
                hint: "set advanced.failoverSlot to false, or upgrade the server")
        }
        guard !isStandby else {
            throw RunError(
                .needsOperator, operation: "use", object: "the source server",
                message: "advanced.failoverSlot is set, and it is a standby: only a primary's slots can be taken over",
                hint: "set advanced.failoverSlot to false, or name the primary in the capture's address")
        }
    }

    func requireLogicalReplication() throws {
        guard version >= 100_000 else {
            throw RunError(
                .needsOperator, operation: "use", object: "the source server",
                message: "its version \(version / 10_000) has no logical replication; 10 is the first that has",
                hint: "upgrade the server")
        }
        guard walLevel == "logical" else {
            throw RunError(
                .needsOperator, operation: "use", object: "the source server",
                message: "wal_level is \(walLevel), and logical replication needs logical",
                hint: "ALTER SYSTEM SET wal_level = logical; then restart the server")
        }
        guard !isStandby || version >= 160_000 else {
            throw RunError(
                .needsOperator, operation: "use", object: "the source server",
                message: "it is a standby, and standbys can be read from version 16 on",
                hint: "name the primary in the capture's address")
        }
    }
}
