import Connectors
import Postgres

/// What the catalog's policies do about tables that can't follow the source any more.
extension PostgresMaterialization {
    public func forget(_ binding: LinkBinding, of link: LinkSpec, dropping columns: [String]) throws {
        let table = QualifiedName(binding.schema, binding.name)
        if config.schemaEvolution == .none, !columns.isEmpty {
            let drops = columns.map { "ALTER TABLE \(table) DROP COLUMN \(Identifier($0))" }.joined(separator: "; ")
            throw ErrorScope("have read again", binding, task: link.materialization).error(
                .needsOperator, "its columns can't take what is read, and schemaEvolution is none",
                hint: "run: \(drops); then start again")
        }
        try change(link, binding, "have read again") { connection in
            try connection.execute("TRUNCATE \(table)")
            for column in columns { try connection.execute("ALTER TABLE \(table) DROP COLUMN \(id: column)") }
            try ParkStatements(metadata: metadata, link: link).drop(binding, connection)
            _ = try connection.query(
                """
                DELETE FROM \(metadata.bindings)
                 WHERE materialization = $1 AND capture = $2 AND destination_schema = $3 AND destination_table = $4
                """, [link.materialization, link.capture, binding.schema, binding.name])
        }
    }

    public func disable(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws {
        let text = error.description + (error.hint.map { "\nhint: \($0)" } ?? "")
        try change(link, binding, "disable") { connection in
            _ = try connection.query(
                """
                UPDATE \(metadata.bindings) SET phase = 'disabled', error = $5, updated_at = now()
                 WHERE materialization = $1 AND capture = $2 AND destination_schema = $3 AND destination_table = $4
                """, [link.materialization, link.capture, binding.schema, binding.name, text])
        }
    }

    /// Runs a body in a transaction in which the link is taken over: whoever ran it can't commit any more. Throws `fenced`
    /// where another runner has it.
    func change(
        _ link: LinkSpec, _ binding: LinkBinding, _ operation: String, _ body: (Connection) throws -> Void
    ) throws {
        let scope = ErrorScope(operation, binding, task: link.materialization)
        let connection = try DestinationConnection.plain(config, scope)
        defer { connection.close() }
        try scope.rethrowing {
            let taken = try fences.raise(link, metadata, connection, settings: "SET LOCAL lock_timeout = '30s'")
            try body(connection)
            try connection.execute("COMMIT")
            if taken != nil { fences.committed(link) }
        }
    }
}
