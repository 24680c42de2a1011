import Connectors
import Postgres

/// Looks whether the captured tables are still what the log's changes are matched with. What a rename or an exchange of tables
/// leaves out, the log doesn't show.
enum TableWatch {
    /// Throws where a table's name is now another's, or where it has another name. One that was dropped is let be: nothing
    /// more can happen to it, and the next start says so.
    static func require(_ tables: [TableSource], _ connection: Connection) throws {
        guard !tables.isEmpty else { return }
        let rows = try connection.query(
            """
            SELECT o.place, quote_ident(n.nspname) || '.' || quote_ident(c.relname), to_regclass(o.name)::oid
              FROM unnest(\(literal: ArrayText.of(tables.map(\.oid)))::oid[],
                          \(literal: ArrayText.of(tables.map(\.name.quoted)))::text[]) WITH ORDINALITY AS o (oid, name, place)
              LEFT JOIN pg_class c ON c.oid = o.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE to_regclass(o.name)::oid IS DISTINCT FROM o.oid
            """)
        for row in 0..<rows.count {
            guard let place = rows[row, 0].flatMap({ Int($0) }), tables.indices.contains(place - 1) else { continue }
            let table = tables[place - 1]
            if let other = rows[row, 2] {
                throw RunError(
                    .needsOperator, operation: "follow", object: "table \(table.name)",
                    message: "another table has its name now (OID \(other), not \(table.oid)): it was exchanged",
                    hint: "start again: what to do for the new table is said then", binding: table.binding)
            }
            guard let name = rows[row, 1] else { continue }
            throw RunError(
                .needsOperator, operation: "follow", object: "table \(table.name)", message: "it is called \(name) now",
                hint:
                    "name it so in the binding's namespace and stream, or rename it back: no change is lost meanwhile",
                binding: table.binding)
        }
    }

    /// Throws where a table is no longer published as it was.
    static func requirePublished(_ tables: [TableSource], _ publication: String, _ connection: Connection) throws {
        let now = try TableCatalog(connection: connection).memberships(of: tables, in: publication)
        for table in tables where now[table.oid] != table.membership {
            let live = try connection.query(
                "SELECT FROM pg_class WHERE oid = \(literal: String(table.oid))::oid")
            guard live.count == 1 else { continue }
            throw RunError(
                .needsOperator, operation: "follow", object: "table \(table.name)",
                message:
                    "it was taken out of publication \(Identifier(publication)): its changes since are not in the log",
                hint: "start again: what to do is said then", binding: table.binding)
        }
    }

    /// Throws where the publication could have left something out: where it does now, and where it was altered.
    static func requireWholePublication(
        _ tables: [TableSource], _ publication: String, _ connection: Connection
    ) throws {
        guard let reading = try PublicationReading(publication, connection) else { return }
        guard let known = tables.compactMap(\.publication).first, known != reading.version else {
            _ = try reading.requireWhole(tables)
            return
        }
        throw RunError(
            .needsOperator, operation: "follow", object: "publication \(Identifier(publication))",
            message: "it was altered: what it left out meanwhile is not in the log",
            hint: "start again: what to do is said then")
    }

    /// Throws where a column was added since the session began with values for the old rows that nobody wrote down. Asked before
    /// any row with it is taken, from the stream or by a chunk: a link that has it passes for one that knows its past. The error ends
    /// the session only; the next one says what to do for each destination, or does it.
    static func requireKnownPast(_ columns: [ColumnShape], of table: TableSource, _ connection: Connection) throws {
        guard columns.contains(where: { ($0.attribute ?? 0) > table.storage.lastColumn }) else { return }
        guard let now = try TableStorage.read([table], connection)[table.oid],
            let column = now.unknownColumn(since: table.storage.files, after: table.storage.lastColumn)
        else { return }
        var error = unknownPast(table, column, "start again: what to do is said then", binding: table.binding)
        error.kind = .transient
        throw error
    }

    /// Throws where the stream has begun to show a generated column (18 and later): rows until now lack it.
    static func requireNotGenerated(_ column: String, _ table: TableSource, _ connection: Connection) throws {
        let rows = try connection.query(
            """
            SELECT FROM pg_attribute WHERE attrelid = \(literal: String(table.oid))::oid AND attname = \(literal: column)
               AND NOT attisdropped AND attgenerated <> ''
            """)
        guard rows.count > 0 else { return }
        throw RunError(
            .needsOperator, operation: "follow", object: "table \(table.name)",
            message: "its generated column \"\(column)\" is published now: the log never had the values of older rows",
            hint: "start again: what to do is said then", binding: table.binding)
    }

    /// What the log lacks of a column.
    static func unknownPast(_ column: String) -> String {
        "its column \"\(column)\" was added with a value for each row that was there (a volatile default, an "
            + "identity, or the table was written anew since), and the log has none of them"
    }

    static func unknownPast(
        _ table: TableSource, _ column: String, _ remedy: String, task: String? = nil, binding: Int? = nil
    ) -> RunError {
        RunError(
            .needsOperator, operation: "follow", object: "table \(table.name)", message: unknownPast(column),
            hint: "have the table read again: \(remedy)", task: task, binding: binding)
    }
}
