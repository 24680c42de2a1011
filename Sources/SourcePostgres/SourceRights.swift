import Connectors
import Postgres

/// What the capture's user must be allowed to do, asked before anything is made.
struct SourceRights {
    let connection: Connection
    let parameters: ConnectionParameters

    /// Rows are read from the tables themselves: the backfill's, and those that have left-out values.
    func requireReading(_ tables: [TableSource]) throws {
        let oids = ArrayText.of(tables.map(\.oid))
        let rows = try connection.query(
            """
            SELECT o.oid, quote_ident(current_user), quote_ident(n.nspname), has_schema_privilege(n.oid, 'USAGE')
              FROM unnest(\(literal: oids)::oid[]) AS o (oid) JOIN pg_class c ON c.oid = o.oid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
            """)
        guard rows.count > 0 else { return }
        let refused = Set((0..<rows.count).compactMap { rows[$0, 0].flatMap { UInt32($0) } })
        let unread = tables.filter { refused.contains($0.oid) }
        let names = unread.map { "\($0.name)" }.joined(separator: ", ")
        let user = rows[0, 1] ?? ""
        let schemas = Set((0..<rows.count).filter { rows[$0, 3] == "f" }.compactMap { rows[$0, 2] }).sorted()
        let usage = schemas.map { "GRANT USAGE ON SCHEMA \($0) TO \(user); " }.joined()
        throw RunError(
            .needsOperator, operation: "read", object: "table \(names)",
            message: "the user \(user) may not read it", hint: "\(usage)GRANT SELECT ON TABLE \(names) TO \(user);",
            sqlState: "42501", binding: unread.first?.binding)
    }

    /// Logs in as the stream will.
    func requireReplication() throws {
        do {
            try Connection(replicationConnectionTo: parameters).close()
        } catch let error as PostgresError where error.sqlState == "42501" {
            let user = Identifier(parameters.role)
            throw RunError(
                .needsOperator, operation: "replicate from", object: "the source server", message: error.message,
                hint: "ALTER ROLE \(user) REPLICATION; on RDS and Aurora: GRANT rds_replication TO \(user);",
                sqlState: error.sqlState)
        }
    }
}
