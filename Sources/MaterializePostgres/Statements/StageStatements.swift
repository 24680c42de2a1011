import Connectors
import Postgres

/// The statements that store a set of changes by way of a staging table, for a plan.
///
/// The staging table has a row for each change: `op` (d: delete, i: the last image of a row that a soft delete keeps, else
/// the letter of `_meta/op`), masks of the columns that an update left out, the key under which the destination holds
/// those where it is another one, the columns, and those that only the target has.
struct StageStatements {
    let plan: StorePlan
    let stage: Identifier
    /// What is changed: the plan's table, or one that has its columns.
    let target: QualifiedName
    /// What the staging table's own columns begin with: no column of the target does.
    let prefix: String

    init(_ plan: StorePlan, stage: String, target: QualifiedName? = nil) {
        self.target = target ?? plan.target
        self.plan = plan
        self.stage = Identifier(stage)
        var prefix = "_flow_"
        let names = plan.columns.map(\.destination.name) + plan.own.map(\.name)
        while names.contains(where: { $0.hasPrefix(prefix) }) { prefix = "_" + prefix }
        self.prefix = prefix
    }

    private var rows: RowStatements { RowStatements(plan: plan) }
    private var columns: [StorePlan.Column] { plan.columns }
    var operation: Identifier { Identifier(prefix + "op") }
    private func mask(_ word: Int) -> Identifier { Identifier("\(prefix)keep\(word)") }
    private func origin(_ number: Int) -> Identifier { Identifier("\(prefix)from\(number)") }

    /// Whether the row's own columns were found under the key that it had.
    private var isCarried: Identifier { Identifier(prefix + "own") }
    private var ownNames: [Identifier] { plan.own.map { Identifier($0.name) } }

    private var masks: [Identifier] { (0..<plan.maskWords).map { mask($0) } }
    private var origins: [Identifier] { plan.key.indices.map { origin($0) } }

    // MARK: - The table

    /// Whether a table can have the target's columns and these beside them (manual, "PostgreSQL Limits").
    static func canStage(_ plan: StorePlan) -> Bool {
        plan.columns.count + plan.own.count + 2 + plan.maskWords + plan.key.count <= 1600
    }

    /// Made once in a session; a transaction's end empties it.
    var create: SQL {
        var definitions = ["\(operation) pg_catalog.\"char\""]
        definitions += masks.map { "\($0) bigint" }
        for (number, place) in plan.key.enumerated() { definitions.append(definition(origin(number), columns[place])) }
        definitions += columns.map { definition($0.name, $0) }
        if !plan.own.isEmpty { definitions.append("\(isCarried) boolean") }
        definitions += plan.own.map { "\(Identifier($0.name)) \($0.stagedType)" }
        return "CREATE TEMP TABLE \(stage) (\(raw: definitions.joined(separator: ", "))) ON COMMIT DELETE ROWS"
    }

    private func definition(_ name: Identifier, _ column: StorePlan.Column) -> String {
        "\(name) \(column.destination.stagedType)"
    }

    var empty: SQL { "TRUNCATE pg_temp.\(stage)" }

    /// Takes the operation, masks and origins where asked for, and the columns, in this order.
    func copy(withMasks: Bool, withOrigins: Bool) -> SQL {
        var names = [operation]
        if withMasks { names += masks }
        if withOrigins { names += origins }
        names += columns.map(\.name)
        return "COPY pg_temp.\(stage) (\(raw: names.map(\.quoted).joined(separator: ", "))) FROM STDIN"
    }

    /// Takes the columns and the operation where the table keeps it: rows that the target has no row for.
    var copyToTarget: SQL {
        var names = columns.map(\.name.quoted)
        if plan.binding.keepsOperation { names.append(RowStatements.operation.quoted) }
        return "COPY \(target) (\(raw: names.joined(separator: ", "))) FROM STDIN"
    }

    // MARK: - Rows that lack columns

    /// Fills in what updates left out of rows whose key moved: the destination has it under the old key. Touches each of
    /// those rows, or the destination differs from the source. (IS NOT NULL is false of a composite with a null in it.)
    var resolveOrigins: SQL { resolve("\(hasOrigin) AND (\(hasMask)) AND \(originsMatch)") }

    /// Whether a staged row, `s`, had another key; of one that is deleted, whether it has another now.
    var hasOrigin: String { "s.\(origin(0)) IS DISTINCT FROM NULL" }

    private var originsMatch: String {
        plan.key.enumerated().map { number, place in
            "t.\(columns[place].name) \(columns[place].destination.operators.equal) s.\(origin(number))"
        }.joined(separator: " AND ")
    }

    /// Fetches the destination's own columns of rows whose key moved from where they were. A row that is not there has none: its
    /// columns get their defaults.
    var carry: SQL {
        let assignments = ownNames.map { "\($0) = t.\($0)" } + ["\(isCarried) = true"]
        return """
            UPDATE pg_temp.\(stage) AS s SET \(raw: assignments.joined(separator: ", ")) FROM \(plan.target) AS t
             WHERE \(raw: hasOrigin) AND s.\(operation) <> 'd' AND \(raw: originsMatch)
            """
    }

    /// The same for rows that stayed where they are, for a target in which they will be written anew.
    var resolveOwn: SQL {
        resolve("s.\(origin(0)) IS NOT DISTINCT FROM NULL AND (\(hasMask)) AND \(keysMatch)")
    }

    private func resolve(_ condition: String) -> SQL {
        var assignments = plan.toastable.map { place in
            "\(columns[place].name) = \(kept(place))"
        }
        assignments += masks.map { "\($0) = 0" }
        let list = assignments.joined(separator: ", ")
        return "UPDATE pg_temp.\(stage) AS s SET \(raw: list) FROM \(target) AS t WHERE \(raw: condition)"
    }

    private var hasMask: String { masks.map { "s.\($0) <> 0" }.joined(separator: " OR ") }
    private var hasNoMask: String { masks.map { "s.\($0) = 0" }.joined(separator: " AND ") }

    private var keysMatch: String {
        plan.key.map { place in
            "t.\(columns[place].name) \(columns[place].destination.operators.equal) s.\(columns[place].name)"
        }.joined(separator: " AND ")
    }

    /// A column's value: the target's where the row's mask says that it was left out.
    private func kept(_ place: Int) -> String {
        let bit = plan.bits[place]
        let name = columns[place].name
        let word = mask(bit / StorePlan.bitsPerWord)
        let value = UInt64(1) << UInt64(bit % StorePlan.bitsPerWord)
        return "CASE WHEN s.\(word) & \(value) <> 0 THEN t.\(name) ELSE s.\(name) END"
    }

    // MARK: - From the staging table to the target

    /// Which of the staged rows a statement is about.
    enum Part {
        case upserts
        /// Last images that soft deletes keep.
        case images
    }

    /// Rows that are written, for the staging table's alias `s`.
    var isUpsert: String { condition(.upserts) }

    private func condition(_ part: Part) -> String {
        part == .images ? "s.\(operation) = 'i'" : "s.\(operation) NOT IN ('d', 'i')"
    }

    /// Of images whose keys are equal to the destination any one is kept: all of them are of rows that are gone.
    private func one(_ part: Part) -> String {
        guard part == .images, plan.hasLooseKey else { return "" }
        return "DISTINCT ON (" + plan.key.map { "s.\(columns[$0].name)" }.joined(separator: ", ") + ") "
    }

    private func operationValue(_ part: Part) -> String {
        part == .images ? "'d'" : "s.\(operation)::text"
    }

    /// A row of the target, `t`, that a staged one, `s`, has go.
    var isDeleted: String { "s.\(operation) = 'd' AND \(keysMatch)" }

    var delete: SQL {
        "DELETE FROM \(target) AS t USING pg_temp.\(stage) AS s WHERE s.\(operation) = 'd' AND \(raw: keysMatch)"
    }

    /// Marks the rows of plain soft deletes.
    var flag: SQL {
        let assignments = (["\(RowStatements.operation) = 'd'"] + rows.publishing).joined(separator: ", ")
        return """
            UPDATE \(target) AS t SET \(raw: assignments) FROM pg_temp.\(stage) AS s
             WHERE s.\(operation) = 'd' AND \(raw: keysMatch)
            """
    }

    /// Updates rows that are there and inserts the others. With masks, a row that lacks columns is never inserted. `carries`: some
    /// bring the destination's own columns along.
    func merge(_ part: Part, withMasks: Bool, carries: Bool) -> SQL {
        var assignments = assignments(part, withMasks: withMasks)
        if carries {
            assignments += plan.own.filter { !$0.isAlwaysIdentity }.map { column in
                let name = Identifier(column.name)
                return "\(name) = CASE WHEN s.\(isCarried) THEN s.\(name) ELSE t.\(name) END"
            }
        }
        let isWhole = withMasks ? " AND \(hasNoMask)" : ""
        let inserted = carries ? "WHEN NOT MATCHED AND s.\(isCarried)\(isWhole) THEN \(insertCarried(part))\n" : ""
        let matched = assignments.isEmpty ? "DO NOTHING" : "UPDATE SET \(assignments.joined(separator: ", "))"
        return """
            MERGE INTO \(target) AS t
            USING (SELECT \(raw: one(part))* FROM pg_temp.\(stage) AS s
                   WHERE \(raw: condition(part))\(raw: inKeyOrder)) AS s
               ON \(raw: keysMatch)
            WHEN MATCHED THEN \(raw: matched)
            \(raw: inserted)WHEN NOT MATCHED\(raw: isWhole) THEN
              INSERT (\(raw: insertedNames)) OVERRIDING SYSTEM VALUE VALUES (\(raw: insertedValues(part)))
            """
    }

    private func insertCarried(_ part: Part) -> String {
        let names = [insertedNames] + ownNames.map(\.quoted)
        let values = [insertedValues(part)] + ownNames.map { "s.\($0)" }
        return
            "INSERT (\(names.joined(separator: ", "))) OVERRIDING SYSTEM VALUE VALUES (\(values.joined(separator: ", ")))"
    }

    /// What `merge` does with rows that bring the destination's own columns along, for servers that have no MERGE.
    func upsertCarried(_ part: Part) -> SQL {
        let names = [insertedNames] + ownNames.map(\.quoted)
        let values = [insertedValues(part)] + ownNames.map { "s.\($0)" }
        let assignments = plan.own.filter { !$0.isAlwaysIdentity }.map { column in
            "\(Identifier(column.name)) = EXCLUDED.\(Identifier(column.name))"
        }
        return """
            INSERT INTO \(plan.target) (\(raw: names.joined(separator: ", "))) OVERRIDING SYSTEM VALUE
            SELECT \(raw: one(part))\(raw: values.joined(separator: ", ")) FROM pg_temp.\(stage) AS s
             WHERE \(raw: condition(part)) AND s.\(isCarried)
            ON CONFLICT (\(raw: keyList)) \(raw: rows.onConflict(assigning: assignments))
            """
    }

    private var keyList: String { plan.key.map { columns[$0].name.quoted }.joined(separator: ", ") }

    /// What `merge` does with whole rows, for servers that have no MERGE; not with those of `upsertCarried`.
    func upsertWhole(_ part: Part, withMasks: Bool, carries: Bool) -> SQL {
        """
        INSERT INTO \(target) (\(raw: insertedNames)) OVERRIDING SYSTEM VALUE
        SELECT \(raw: one(part))\(raw: insertedValues(part)) FROM pg_temp.\(stage) AS s
         WHERE \(raw: condition(part))\(raw: withMasks ? " AND \(hasNoMask)" : "")
               \(raw: carries ? "AND s.\(isCarried) IS NOT TRUE" : "")
        ON CONFLICT (\(raw: keyList)) \(raw: rows.onConflict)
        """
    }

    /// What `merge` does with rows that lack columns, for servers that have no MERGE.
    func updatePartial(_ part: Part) -> SQL {
        var assignments = assignments(part, withMasks: true)
        if assignments.isEmpty, let first = plan.key.first {
            assignments = ["\(columns[first].name) = t.\(columns[first].name)"]
        }
        return """
            UPDATE \(target) AS t SET \(raw: assignments.joined(separator: ", ")) FROM pg_temp.\(stage) AS s
             WHERE \(raw: condition(part)) AND (\(raw: hasMask)) AND \(raw: keysMatch)
            """
    }

    /// Rows in the order of the target's index visit its pages once. Not where comparing is dearer than that (texts with a
    /// collation).
    private var inKeyOrder: String {
        guard let first = plan.key.first, StageStatements.cheapOrders.contains(columns[first].destination.typeOID)
        else { return "" }
        return " ORDER BY " + plan.key.map { "s.\(columns[$0].name)" }.joined(separator: ", ")
    }

    /// int2, int4, int8, oid, uuid, date, timestamp, timestamptz, bytea (pg_type.dat).
    private static let cheapOrders: Set<UInt32> = [21, 23, 20, 26, 2950, 1082, 1114, 1184, 17]

    private func assignments(_ part: Part, withMasks: Bool) -> [String] {
        var assignments = columns.indices.filter { columns[$0].isAssigned }.map { place in
            let name = columns[place].name
            return withMasks && plan.bits[place] >= 0 ? "\(name) = \(kept(place))" : "\(name) = s.\(name)"
        }
        if plan.binding.keepsOperation { assignments.append("\(RowStatements.operation) = \(operationValue(part))") }
        return assignments + rows.publishing
    }

    private var insertedNames: String {
        let names = columns.map(\.name) + (plan.binding.keepsOperation ? [RowStatements.operation] : [])
        return names.map(\.quoted).joined(separator: ", ")
    }

    private func insertedValues(_ part: Part) -> String {
        var values = columns.map { "s.\($0.name)" }
        if plan.binding.keepsOperation { values.append(operationValue(part)) }
        return values.joined(separator: ", ")
    }

    // MARK: - A target that has no key yet

    /// Removes every row that is deleted or written anew. Soft deletes without an image stay.
    var clear: SQL {
        let some = plan.binding.deletes == .soft ? "s.\(operation) <> 'd' AND " : ""
        return "DELETE FROM \(target) AS t USING pg_temp.\(stage) AS s WHERE \(raw: some)\(raw: keysMatch)"
    }

    /// Inserts rows; an image of whose key a row is written as well gives way to it.
    func insert(_ part: Part) -> SQL {
        var condition = condition(part)
        if part == .images, plan.hasLooseKey {
            let isSame = plan.key.map { place in
                "u.\(columns[place].name) \(columns[place].destination.operators.equal) s.\(columns[place].name)"
            }
            condition +=
                " AND NOT EXISTS (SELECT FROM pg_temp.\(stage) AS u WHERE u.\(operation) NOT IN ('d', 'i') AND "
            condition += isSame.joined(separator: " AND ") + ")"
        }
        return """
            INSERT INTO \(target) (\(raw: insertedNames)) OVERRIDING SYSTEM VALUE
            SELECT \(raw: one(part))\(raw: insertedValues(part)) FROM pg_temp.\(stage) AS s WHERE \(raw: condition)
            """
    }
}
