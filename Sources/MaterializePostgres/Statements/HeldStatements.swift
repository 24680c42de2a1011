import Postgres

/// The statements that have rows go from a table that others refer to, for a plan.
///
/// Rows that nobody refers to go at once. The others wait in a list of the session's own, by their keys, until the transaction
/// ends: what refers to them may still be taken away, or be given another row to refer to.
struct HeldStatements {
    let plan: StorePlan
    /// The foreign keys that hold rows up.
    let references: [ForeignKey]
    /// Of the binding, and of the layout that the keys' types are of.
    let list: QualifiedName

    init(_ plan: StorePlan, _ table: BoundTable) {
        self.plan = plan
        references = table.layout.table.references.filter(\.holdsDeletes)
        list = QualifiedName("pg_temp", "flow_held_\(table.number)_\(plan.generation)")
    }

    private var target: QualifiedName { plan.target }

    private func column(_ number: Int) -> Identifier { Identifier("key\(number)") }

    private var listed: String { (plan.key.indices.map { column($0).quoted } + ["moved"]).joined(separator: ", ") }

    private var keys: String { plan.key.map { "t.\(plan.columns[$0].name)" }.joined(separator: ", ") }

    /// That a row of the list has the key that `other` gives each column of.
    private func isListed(_ alias: String, _ other: (Int, StorePlan.Column) -> String) -> String {
        plan.key.enumerated().map { number, place in
            let key = plan.columns[place]
            return "\(alias).\(column(number)) \(key.destination.operators.equal) \(other(number, key))"
        }.joined(separator: " AND ")
    }

    private var isReferredTo: String {
        references.map { "EXISTS (SELECT FROM \($0.child) AS r WHERE \($0.condition("t", "r")))" }
            .joined(separator: " OR ")
    }

    /// Made once in a session, and again where its transaction was rolled back.
    var create: SQL {
        let columns = plan.key.enumerated().map { "\(column($0)) \(plan.columns[$1].destination.stagedType)" }
        return """
            CREATE TEMP TABLE IF NOT EXISTS \(list.name) (\(raw: columns.joined(separator: ", ")), moved boolean)
            ON COMMIT DELETE ROWS
            """
    }

    var empty: SQL { "TRUNCATE \(list)" }

    // MARK: - Rows that are to go

    /// Of the target's rows, as `t`, that the condition is true of, those go that nobody refers to. `source` is a table that the
    /// condition names as `s`.
    func free(by source: String? = nil, where condition: String) -> SQL {
        let using = source.map { "USING \($0) AS s " } ?? ""
        return "DELETE FROM \(target) AS t \(raw: using)WHERE \(raw: condition) AND NOT (\(raw: isReferredTo))"
    }

    /// The others are listed. `moved`, an expression: whether the row is there under another key.
    func hold(by source: String? = nil, where condition: String, moved: String) -> SQL {
        let using = source.map { ", \($0) AS s" } ?? ""
        return """
            INSERT INTO \(list) (\(raw: listed)) SELECT \(raw: keys), \(raw: moved) FROM \(target) AS t\(raw: using)
             WHERE \(raw: condition)
            """
    }

    /// Rows of a staging table that are written under a listed key stay.
    func keep(_ stage: StageStatements) -> SQL {
        """
        DELETE FROM \(list) AS h USING pg_temp.\(stage.stage) AS s
         WHERE s.\(stage.operation) NOT IN ('d', 'i') AND \(raw: isListed("h") { "s.\($1.name)" })
        """
    }

    private var parameterTypes: [UInt32] { plan.key.map { plan.columns[$0].destination.typeOID } }

    private var isOne: String {
        plan.key.enumerated().map { number, place in
            "t.\(plan.columns[place].name) \(plan.columns[place].destination.operators.equal) $\(number + 1)"
        }.joined(separator: " AND ")
    }

    /// The same for one row. Parameters: the key.
    var freeOne: RowStatements.Prepared { .init(sql: free(where: isOne), types: parameterTypes) }

    func holdOne(moved: Bool) -> RowStatements.Prepared {
        .init(sql: hold(where: isOne, moved: "\(moved)"), types: parameterTypes)
    }

    var keepOne: RowStatements.Prepared {
        .init(
            sql: "DELETE FROM \(list) AS h WHERE \(raw: isListed("h") { number, _ in "$\(number + 1)" })",
            types: parameterTypes)
    }

    // MARK: - When the transaction ends

    /// Divides by zero where the server's action would take a row along, or change one, that is not to go itself: a row of a table
    /// that some link stores, or any that refers to a row which only moved. `records` lists what links store.
    func confirm(_ key: ForeignKey, _ others: [HeldStatements], records: QualifiedName) -> SQL {
        let stored = key.reach.map { "(\(SQL.literal($0.schema.name)), \(SQL.literal($0.name.name)))" }
        let going = others.filter { other in key.family.contains(other.target) }.map { other in
            " AND NOT EXISTS (SELECT FROM \(other.list) AS o WHERE \(other.isListed("o") { "r.\($1.name)" }))"
        }
        return """
            SELECT 1 / CASE WHEN EXISTS (
              SELECT FROM \(list) AS h JOIN \(target) AS t ON \(raw: isListed("h") { "t.\($1.name)" })
                JOIN \(key.child) AS r ON \(raw: key.condition("t", "r"))
               WHERE (h.moved OR EXISTS (SELECT FROM \(records) AS b
                        WHERE (b.destination_schema, b.destination_table) IN (\(raw: stored.joined(separator: ", ")))))
              \(raw: going.joined())) THEN 0 ELSE 1 END
            """
    }

    /// Of the rows that wait, those go that nobody refers to any more. Their keys stay in the list.
    var releaseFree: SQL { free(by: list.quoted, where: isListed("s") { "t.\($1.name)" }) }

    var release: SQL {
        "DELETE FROM \(target) AS t USING \(list) AS h WHERE \(raw: isListed("h") { "t.\($1.name)" })"
    }
}
