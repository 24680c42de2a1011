import Connectors
import Postgres

/// Taking away what a materialization's links made at their destination.
///
/// Invariant: only rows of these links go, and tables that no other link has a record of. Nothing goes while a runner has
/// one of the links: each of its sessions holds the link's lock (`LinkLock`), which is asked for alone.
extension PostgresMaterialization {
    /// What is there of some links of this materialization, and whether it has a record of any. Tables go only where
    /// `dropsTables`, and never those that the catalog adopts.
    public func removal(of links: [LinkSpec], dropsTables: Bool) throws -> (Removal, isKnown: Bool) {
        let scope = scope("delete")
        let connection = try DestinationConnection.plain(config, scope)
        defer { connection.close() }
        return try scope.rethrowing {
            try connection.execute("BEGIN")
            defer { try? connection.execute("ROLLBACK") }
            return try find(links, dropsTables, connection)
        }
    }

    /// Makes a removal, all of it or nothing. Throws where it would be another one by now.
    public func remove(_ removal: Removal, of links: [LinkSpec], dropsTables: Bool) throws {
        guard !removal.changes.isEmpty else { return }
        let scope = scope("delete")
        let connection = try DestinationConnection.plain(config, scope)
        defer { connection.close() }
        try scope.rethrowing {
            try connection.execute("BEGIN; SET LOCAL lock_timeout = '10s'")
            try connection.execute("SELECT pg_advisory_xact_lock(\(raw: DestinationLock.ddl))")
            let now = try find(links, dropsTables, connection).0
            guard now.changes == removal.changes else {
                throw scope.error(
                    .needsOperator, "what is there has changed since it was shown", hint: "look again: flowctl delete")
            }
            for change in removal.changes { try connection.execute("\(raw: change.sql)") }
            try connection.execute("COMMIT")
        }
    }

    /// In the open transaction, which holds the links' locks from then on.
    private func find(
        _ links: [LinkSpec], _ dropsTables: Bool, _ connection: Connection
    ) throws -> (Removal, isKnown: Bool) {
        var removal = Removal()
        guard try metadata.isReadable(connection) else { return (removal, false) }
        var records = 0
        for link in links { records += try find(link, dropsTables, connection, &removal) }
        try addSchema(to: &removal, links, connection)
        return (removal, records > 0)
    }

    /// The records of one link; how many there are.
    private func find(
        _ link: LinkSpec, _ dropsTables: Bool, _ connection: Connection, _ removal: inout Removal
    ) throws -> Int {
        let counts = try connection.query(
            """
            SELECT (SELECT count(*) FROM \(metadata.checkpoints) WHERE materialization = $1 AND capture = $2),
                   (SELECT count(*) FROM \(metadata.bindings) WHERE materialization = $1 AND capture = $2)
            """, [link.materialization, link.capture])
        let found = (Int(counts[0, 0] ?? "") ?? 0, Int(counts[0, 1] ?? "") ?? 0)
        guard found.0 + found.1 > 0 else { return 0 }
        guard try LinkLock(link: link, metadata: metadata).takeAlone(connection) else {
            throw RunError(
                .needsOperator, operation: "delete", object: "the link from \(link.capture)",
                message: "a runner of this catalog has it", hint: "stop the runner, then delete again",
                task: link.materialization)
        }
        try addTables(of: link, dropsTables, connection, &removal)
        let mine =
            "materialization = \(SQL.literal(link.materialization)) AND capture = \(SQL.literal(link.capture))"
        try addParks(of: link, mine, connection, &removal)
        try addSignals(mine, connection, &removal)
        for (table, count) in [(metadata.bindings, found.1), (metadata.checkpoints, found.0)] where count > 0 {
            removal.changes.append(
                PlannedChange(
                    .destroy, "table \(table)", sql: "DELETE FROM \(table) WHERE \(mine)",
                    remark: "\(count) of flowctl's own rows: how far the link from \(link.capture) is"))
        }
        return found.0 + found.1
    }

    /// Changes that wait for a table which refused a row.
    private func addParks(
        of link: LinkSpec, _ mine: String, _ connection: Connection, _ removal: inout Removal
    ) throws {
        guard
            try connection.query("SELECT to_regclass(\(literal: metadata.parks.quoted)) IS NOT NULL")[0, 0] == "t",
            case let parks = try connection.query(
                "SELECT coalesce(sum(changes), 0), count(*) FROM \(metadata.parks) WHERE \(raw: mine)"),
            parks[0, 1] != "0"
        else { return }
        let waiting = "SELECT park FROM \(metadata.parks) WHERE \(mine)"
        removal.changes.append(
            PlannedChange(
                .destroy, "table \(metadata.parkedChanges)",
                sql: "DELETE FROM \(metadata.parkedChanges) WHERE park IN (\(waiting))",
                remark: "\(parks[0, 0] ?? "0") changes that wait for tables which refused a row"))
        removal.changes.append(
            PlannedChange(.destroy, "table \(metadata.parks)", sql: "DELETE FROM \(metadata.parks) WHERE \(mine)"))
    }

    private func addSignals(_ mine: String, _ connection: Connection, _ removal: inout Removal) throws {
        let there = try connection.query("SELECT to_regclass(\(literal: metadata.signals.quoted)) IS NOT NULL")
        guard there[0, 0] == "t" else { return }
        let found = try connection.query("SELECT count(*) FROM \(metadata.signals) WHERE \(raw: mine)")
        guard let count = found[0, 0], count != "0" else { return }
        removal.changes.append(
            PlannedChange(
                .destroy, "table \(metadata.signals)", sql: "DELETE FROM \(metadata.signals) WHERE \(mine)",
                remark: "what became of \(count) signals of operators"))
    }

    private func addTables(
        of link: LinkSpec, _ dropsTables: Bool, _ connection: Connection, _ removal: inout Removal
    ) throws {
        let rows = try connection.query(
            """
            SELECT b.destination_schema, b.destination_table,
                   to_regclass(quote_ident(\(literal: metadata.name)) || '.adopting_' || md5(concat_ws(
                     E'\\n', b.materialization, b.capture, b.destination_schema, b.destination_table))),
                   c.oid IS NOT NULL, pg_has_role(c.relowner, 'USAGE'),
                   EXISTS (SELECT FROM \(metadata.bindings) o
                            WHERE o.destination_schema = b.destination_schema AND o.destination_table = b.destination_table
                              AND (o.materialization, o.capture) <> (b.materialization, b.capture))
              FROM \(metadata.bindings) b LEFT JOIN pg_namespace n ON n.nspname = b.destination_schema
              LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.destination_table AND c.relkind IN ('r', 'p')
             WHERE b.materialization = $1 AND b.capture = $2 ORDER BY 1, 2
            """, [link.materialization, link.capture])
        for row in 0..<rows.count {
            let (schema, table) = (rows[row, 0] ?? "", rows[row, 1] ?? "")
            let name = QualifiedName(schema, table)
            if let list = rows[row, 2] {
                removal.changes.append(
                    PlannedChange(
                        .destroy, "table \(list)", sql: "DROP TABLE \(list)",
                        remark: "flowctl's own list of an adoption that has not ended"))
            }
            guard rows[row, 3] == "t" else { continue }
            let binding = link.bindings.first { $0.schema.isSameName(as: schema) && $0.name.isSameName(as: table) }
            if !dropsTables {
                removal.kept.append("table \(name), with its rows (--drop-tables drops it)")
            } else if rows[row, 5] == "t" {
                removal.kept.append("table \(name): another link fills it too")
            } else if binding?.adopts == true {
                removal.kept.append("table \(name): it was there before, and was adopted")
            } else if rows[row, 4] != "t" {
                removal.kept.append("table \(name): the role does not own it; its owner: DROP TABLE \(name);")
            } else {
                removal.changes.append(
                    PlannedChange(
                        .destroy, "table \(name)", sql: "DROP TABLE \(name)",
                        lock: .init("ACCESS EXCLUSIVE", ["\(name)"]),
                        remark: "with every row"))
            }
        }
    }

    /// The schema goes with the last link, if nothing else is in it.
    private func addSchema(to removal: inout Removal, _ links: [LinkSpec], _ connection: Connection) throws {
        let own = ArrayText.of(links.map(\.capture))
        let lists = removal.changes.map(\.object).filter { $0.hasPrefix("table ") }.map { String($0.dropFirst(6)) }
        let rows = try connection.query(
            """
            SELECT (SELECT count(*) FROM \(metadata.checkpoints) WHERE materialization <> $1 OR capture <> ALL ($2::text[])),
                   (SELECT count(*) FROM \(metadata.bindings) WHERE materialization <> $1 OR capture <> ALL ($2::text[])),
                   (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 't', 'S')
                      AND c.relname NOT IN ('checkpoints', 'bindings', 'parks', 'parked_changes', 'signals') AND c.oid::regclass::text <> ALL ($4::text[]))
                   + (SELECT count(*) FROM pg_proc p
                       WHERE p.pronamespace = n.oid AND p.proname NOT IN ('position', 'wait_for')),
                   pg_has_role(n.nspowner, 'USAGE')
                   AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND NOT pg_has_role(c.relowner, 'USAGE'))
              FROM pg_namespace n WHERE n.nspname = $3
            """, [name, own, metadata.name, ArrayText.of(lists)])
        let object = "schema \(Identifier(metadata.name))"
        guard rows.count > 0 else { return }
        if rows[0, 0] != "0" || rows[0, 1] != "0" {
            removal.kept.append("\(object): it has the records of other links")
        } else if rows[0, 2] != "0" || rows[0, 3] != "t" {
            removal.kept.append("\(object): it has what flowctl does not know, or the role does not own it")
        } else {
            removal.changes.append(
                PlannedChange(
                    .destroy, object, sql: metadata.drop.text, remark: "flowctl's own, and empty then"))
        }
    }
}
