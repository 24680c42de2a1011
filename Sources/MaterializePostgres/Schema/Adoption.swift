import Connectors
import Postgres

/// Rows that a table had before flowctl knew it, while the table is filled over them (`adopt: true`).
///
/// Their keys stand in a table of their own. Whatever is written, or deleted, takes its key out of there, in its own
/// transaction; what is left as the last row was copied is what the source lacks.
///
/// Invariant: a row of the table is the source's, or its key is in the list.
struct Adoption: Equatable, Sendable {
    /// The table of the keys, whose columns are called as the destination's.
    let keys: QualifiedName

    /// The list of a binding: by its names, so that the next run finds it.
    static func of(_ binding: LinkBinding, _ statements: LinkStatements, _ connection: Connection) throws -> Adoption {
        let link = statements.link
        let rows = try connection.query(
            "SELECT 'adopting_' || md5(concat_ws(E'\\n', $1::text, $2::text, $3::text, $4::text))",
            [link.materialization, link.capture, binding.schema, binding.name])
        return Adoption(keys: QualifiedName(statements.metadata.name, rows[0, 0] ?? ""))
    }

    /// Whether a run before began it and none has ended it.
    func isOpen(_ connection: Connection) throws -> Bool {
        try connection.query("SELECT to_regclass($1) IS NOT NULL", [keys.quoted])[0, 0] == "t"
    }

    /// Forgets a list that a table of other times left.
    func drop(_ connection: Connection, _ provisioning: Provisioning) throws {
        guard try isOpen(connection) else { return }
        try provisioning.take(
            PlannedChange(
                .change, "table \(keys)", sql: "DROP TABLE \(keys)",
                remark: "flowctl's own list of an adoption that was given up"))
    }

    /// Lists the keys of all rows, in the open transaction.
    func begin(_ binding: LinkBinding, _ provisioning: Provisioning) throws {
        let list = binding.key.map { Identifier($0).quoted }.joined(separator: ", ")
        let table = QualifiedName(binding.schema, binding.name)
        let lock = PlannedChange.Lock("SHARE ROW EXCLUSIVE", ["\(table)"])
        let removal =
            binding.deletes == .ignore
            ? "its rows are taken over; those that the source lacks stay"
            : "its rows are taken over; those that the source lacks are "
                + (binding.deletes == .hard ? "deleted" : "marked as deleted") + " when all of the source's are there"
        for (sql, remark) in [
            ("LOCK TABLE \(table) IN SHARE ROW EXCLUSIVE MODE", removal as String?),
            ("CREATE TABLE \(keys) AS SELECT \(list) FROM \(table)", "the keys of the rows that are there"),
            ("CREATE INDEX ON \(keys) (\(list))", nil),
        ] {
            try provisioning.take(
                PlannedChange(.change, "table \(table)", sql: sql, lock: lock, binding: binding.index, remark: remark))
        }
    }
}

extension StorePlan {
    /// Takes the keys of rows that a table names out of a list.
    func settle(_ adoption: Adoption, by rows: String) -> SQL {
        "DELETE FROM \(adoption.keys) AS t USING pg_temp.\(id: rows) AS s WHERE \(raw: keysMatch)"
    }

    /// What is done about the rows that the source lacks.
    func remove(_ adoption: Adoption) -> SQL? {
        switch binding.deletes {
        case .hard: "DELETE FROM \(target) AS t USING \(adoption.keys) AS s WHERE \(raw: keysMatch)"
        case .soft:
            "UPDATE \(target) AS t SET \(RowStatements.operation) = 'd' FROM \(adoption.keys) AS s WHERE \(raw: keysMatch)"
        case .ignore: nil
        }
    }

    /// Takes out rows of a list that hold, by another unique index, what rows that come are to have. The source lacks them, or
    /// they come themselves. `condition`: which of the rows are meant, by the alias `s`.
    func makeRoom(_ adoption: Adoption, in table: DestinationTable, for rows: String, _ condition: String) -> [SQL] {
        table.uniqueKeys.filter { $0.nameSet != binding.key.nameSet }.compactMap { names in
            let places = names.compactMap { name in columns.firstIndex { $0.destination.name.isSameName(as: name) } }
            guard places.count == names.count else { return nil }
            return """
                DELETE FROM \(target) AS t USING \(adoption.keys) AS a, pg_temp.\(id: rows) AS s
                 WHERE \(raw: condition) AND \(raw: equal(places, "t", "s")) AND \(raw: equal(key, "t", "a"))
                   AND NOT (\(raw: keysMatch))
                """
        }
    }

    /// A row of the target, `t`, has the key of one of a table that has the key's columns, `s`.
    var keysMatch: String { equal(key, "t", "s") }

    private func equal(_ places: [Int], _ left: String, _ right: String) -> String {
        places.map {
            "\(left).\(columns[$0].name) \(columns[$0].destination.operators.equal) \(right).\(columns[$0].name)"
        }.joined(separator: " AND ")
    }

    /// A table for the rows of a chunk, with the target's types; emptied as a transaction ends.
    func createAside(_ name: String) -> SQL {
        """
        CREATE TEMP TABLE IF NOT EXISTS \(id: name) ON COMMIT DELETE ROWS AS
        SELECT \(raw: columnList) FROM \(target) WITH NO DATA
        """
    }

    /// Brings a chunk's rows into the target, over those that are there.
    func storeAside(_ name: String) -> SQL {
        let key = key.map { columns[$0].name.quoted }.joined(separator: ", ")
        return """
            INSERT INTO \(target) (\(raw: columnList)) OVERRIDING SYSTEM VALUE SELECT \(raw: columnList) FROM pg_temp.\(id: name)
            ON CONFLICT (\(raw: key)) \(raw: RowStatements(plan: self).onConflict)
            """
    }
}

extension RowSession {
    /// Stores a set of a table that holds rows from before.
    func storeAdopting(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool, _ adoption: Adoption
    ) throws {
        if table.binding.deletes == .hard, table.mayRewrite(isReplica: isReplica) {
            try storeMakingRoom(changes, summary, table, plan, rows, adoption)
        } else {
            try storeStaged(changes, summary, table, plan, rows)
        }
        guard let index = stages.index(of: plan) else { return }
        try send(plan.settle(adoption, by: stages.stages[index].name), table.scope("store rows"))
    }

    /// As `storeAround`; rows from before that are in the way go as well.
    private func storeMakingRoom(
        _ changes: ContiguousArray<NetChange>, _ summary: SetSummary, _ table: BoundTable, _ plan: StorePlan,
        _ rows: RowPool, _ adoption: Adoption
    ) throws {
        let scope = table.scope("store rows")
        try send("SAVEPOINT flow_set", scope)
        try drain()
        let staged = stages
        do {
            try storeStaged(changes, summary, table, plan, rows)
            try drain()
        } catch let error as RunError where error.sqlState == "23505" {
            stages = staged
            try send("ROLLBACK TO SAVEPOINT flow_set", scope)
            try storeWithoutKey(changes, summary, table, plan, rows) { statements in
                let room = plan.makeRoom(
                    adoption, in: table.layout.table, for: statements.stage.name, statements.isUpsert)
                for statement in room { try send(statement, scope) }
            }
        }
        try send("RELEASE SAVEPOINT flow_set", scope)
    }

    /// Ends an adoption: every row of the source has been written.
    func end(_ adoption: Adoption, of table: BoundTable) throws {
        let scope = table.scope("remove rows that the source lacks from")
        let plan = try plan(for: table.layout.shape, of: table)
        try send("SET LOCAL enable_hashjoin = on", scope)
        if let waiting = holding(table, plan) {
            try remove(waiting, table, by: adoption.keys.quoted, where: plan.keysMatch, scope)
        } else if let remove = plan.remove(adoption) {
            try send(remove, scope)
        }
        try send("SET LOCAL enable_hashjoin = off", scope)
        try send("DROP TABLE \(adoption.keys)", scope)
    }
}
