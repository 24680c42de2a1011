import Connectors
import JSON
import Postgres

/// Makes a binding's destination table, or takes one that is there, and records the binding. Of a plan and of a check it
/// decides the same, and makes nothing.
///
/// Invariant: what a run is refused for is refused to a plan in the same words, and a plan holds no statement that a run can't
/// get done.
struct Attachment {
    let connection: Connection
    let config: PostgresMaterialization.Config
    let statements: LinkStatements
    let number: Int
    let binding: LinkBinding
    let scope: ErrorScope
    /// What the destination keeps of the binding; nil where it was never attached for this collection.
    let record: BindingRecord?
    let provisioning: Provisioning
    /// Whether foreign keys rest while rows are stored.
    let isReplica: Bool

    private var mayChange: Bool { config.schemaEvolution == .basic }
    private var name: QualifiedName { QualifiedName(binding.schema, binding.name) }
    private var inspection: TableInspection { TableInspection(connection: connection) }

    /// In the open transaction, which holds the link.
    func run(
        shape: TableShape, state: BindingCheckpoint, willBackfill: Bool, isRebuilt: Bool = false
    ) throws -> BoundTable {
        try requireOwner {
            try $0.run(shape: shape, state: state, willBackfill: willBackfill, isRebuilt: isRebuilt)
        }
        let isKeyLate =
            !state.isReadAgain && !binding.readsSomeRows && (willBackfill || state.phase != .streaming)
        let (layout, hasKey) =
            isRebuilt
            ? try rebuild(shape, state, isKeyLate: isKeyLate) : try prepare(shape, state, isKeyLate: isKeyLate)
        if provisioning.isPlan {
            if !hasKey { try foreseeKey(layout) }
        } else {
            let shapeRecord = ShapeRecord(layout)
            let statement = statements.record(
                binding, source: shape, state: state, shape: shapeRecord.json, isNew: record == nil || isRebuilt)
            try scope.rethrowing { _ = try connection.query(statement.sql, statement.parameters) }
        }
        let table = BoundTable(
            number: number, binding: binding, task: statements.link.materialization, layout: layout, hasKey: hasKey)
        table.adoption = layout.adoption
        return table
    }

    /// Before anything is done to a table of somebody else's: throws where only its owner may do all of what a plan has of it. What
    /// is due with rows of a new shape is not asked for before they come.
    private func requireOwner(_ run: (Attachment) throws -> BoundTable) throws {
        guard try scope.rethrowing({ try TableOwnership.isStranger(name, connection) }) else { return }
        provisioning.strangers.insert("table \(name)")
        guard !provisioning.isPlan else { return }
        let foreseen = Provisioning()
        _ = try run(
            Attachment(
                connection: connection, config: config, statements: statements, number: number, binding: binding,
                scope: scope, record: record, provisioning: foreseen, isReplica: isReplica))
        let due = foreseen.changes.filter { $0.moment != .newShape }
        if let refusal = TableOwnership.refusal(of: due, scope) { throw refusal }
    }

    /// The key is made when the rows are there.
    private func foreseeKey(_ layout: BoundTable.Layout) throws {
        let creation = KeyCreation(
            connection: connection, definition: TableDefinition(binding: binding, shape: layout.shape),
            isAfterDrop: provisioning.isPlanned("DROP TABLE \(name)"))
        for statement in try scope.rethrowing({
            try creation.statements(for: layout.table)
        }) { provisioning.foresee(keyChange(statement, moment: .copied)) }
    }

    private func keyChange(_ statement: String, moment: PlannedChange.Moment) -> PlannedChange {
        let lock = statement.hasPrefix("CREATE ") ? "SHARE" : "ACCESS EXCLUSIVE"
        return PlannedChange(
            .create, "table \(name)", sql: statement, lock: .init(lock, ["\(name)"]), binding: binding.index,
            moment: moment, needsOwner: true)
    }

    private func prepare(
        _ shape: TableShape, _ state: BindingCheckpoint, isKeyLate: Bool, isEmptied: Bool = false
    ) throws -> (BoundTable.Layout, hasKey: Bool) {
        switch try scope.rethrowing({ try inspection.find(name) }) {
        case .absent:
            let isExpected = state.isReadAgain || state.phase == .pending
            return try create(shape, isKeyLate: isKeyLate, isExpected: isExpected)
        case .table(let table):
            return try take(table, shape, state, isKeyLate: isKeyLate, isEmptied: isEmptied)
        case .other(let kind):
            throw scope.error(
                .needsOperator,
                "the destination has something of this name that is no table (pg_class.relkind \(kind))",
                hint: "name another table in the binding's resource")
        }
    }

    /// The table without its rows: the same one, with its grants and indexes, where it can take the source's columns and
    /// key, else one that is made anew, unless something depends on it.
    private func rebuild(
        _ shape: TableShape, _ state: BindingCheckpoint, isKeyLate: Bool
    ) throws -> (BoundTable.Layout, hasKey: Bool) {
        guard case .table = try scope.rethrowing({ try inspection.find(name) }) else {
            return try prepare(shape, state, isKeyLate: isKeyLate)
        }
        try forgetAdoption()
        try scope.rethrowing { try connection.execute("SAVEPOINT flow_rebuild") }
        let mark = provisioning.mark
        try empty()
        do {
            return try prepare(shape, state, isKeyLate: isKeyLate, isEmptied: true)
        } catch let error as RunError where error.kind == .needsOperator && mayChange {
            provisioning.forget(since: mark)
            try scope.rethrowing {
                try connection.execute("ROLLBACK TO SAVEPOINT flow_rebuild")
                let dependents = try inspection.dependents(name)
                guard dependents.isEmpty else {
                    throw scope.error(
                        .needsOperator, "\(error.message). It can't be made anew either: other objects depend on it",
                        hint: "run: \(dependents.joined(separator: "; "))" + (error.hint.map { ". Or: \($0)" } ?? ""))
                }
                try provisioning.take(
                    destruction("DROP TABLE \(name)", "it can't take the source's columns: it is made anew"))
            }
            return try create(shape, isKeyLate: isKeyLate, isExpected: true)
        }
    }

    /// Row by row where a table that refers to this one keeps it from being truncated, or the privilege is missing. Not where
    /// rows of others would be in the way, or go with it.
    private func empty() throws {
        let referring = isReplica ? [] : try scope.rethrowing { try inspection.referringKeys(name) }
        guard referring.isEmpty else {
            throw scope.error(
                .needsOperator,
                "it can't be emptied: rows of \(referring[0].table) refer to its rows, and would keep them, or go with them",
                hint: "have it read over what is there instead: raise `backfill` of the table's binding in capture "
                    + "\(statements.link.capture), and set the materialization's back; or run, before it is emptied: "
                    + referring.map { "\($0.drop);" }.joined(separator: " "))
        }
        let truncate = destruction("TRUNCATE \(name)", "every row goes; it is read again")
        let delete = destruction("DELETE FROM \(name)", "every row goes; it is read again")
        try scope.rethrowing {
            guard !provisioning.isPlan else {
                return try provisioning.take(try inspection.mayTruncate(name) ? truncate : delete)
            }
            try connection.execute("SAVEPOINT flow_empty")
            do {
                try provisioning.take(truncate)
            } catch let error as PostgresError where error.sqlState == "42501" || error.sqlState == "0A000" {
                try connection.execute("ROLLBACK TO SAVEPOINT flow_empty")
                try provisioning.take(delete)
            }
        }
    }

    private func destruction(_ sql: String, _ remark: String) -> PlannedChange {
        PlannedChange(
            .destroy, "table \(name)", sql: sql,
            lock: .init(sql.hasPrefix("DELETE") ? "ROW EXCLUSIVE" : "ACCESS EXCLUSIVE", ["\(name)"]),
            binding: binding.index, remark: remark, needsOwner: sql.hasPrefix("DROP"))
    }

    // MARK: - A table that is absent

    /// `isExpected`: all of it is going to be read.
    private func create(
        _ shape: TableShape, isKeyLate: Bool, isExpected: Bool
    ) throws -> (BoundTable.Layout, hasKey: Bool) {
        if let record, record.state.phase != .pending, !isExpected {
            throw scope.error(
                .needsOperator, "the destination table is gone, and flow.bindings says that it was filled",
                hint: "have it read again: \(binding.readingAgain(in: statements.link))")
        }
        let definition = TableDefinition(binding: binding, shape: shape)
        let isUpsert = binding.mode == .upsert
        let create = definition.create(withKey: isUpsert && !isKeyLate)
        guard mayChange else {
            throw scope.error(
                .needsOperator, "the destination table is missing, and schemaEvolution is none", hint: "run: \(create)")
        }
        let provision = TypeProvision(
            connection: connection, scope: scope, mayChange: true, provisioning: provisioning)
        try forgetAdoption()
        _ = try provision.provideSchema(binding.schema)
        _ = try provision.provide(shape.types)
        try scope.rethrowing {
            try provisioning.take(PlannedChange(.create, "table \(name)", sql: create, binding: binding.index))
        }
        if let sql = binding.additionalCreateSQL { try runAdditional(sql) }
        if provisioning.isPlan {
            var layout = BoundTable.Layout(shape: shape, table: DestinationTable(columns: []))
            let hasIndex = try binding.isKeylessMirror && provideIndex(&layout, isLate: isKeyLate)
            return (layout, binding.isKeylessMirror ? hasIndex : !isUpsert || !isKeyLate)
        }
        guard case .table(let table) = try scope.rethrowing({ try inspection.find(name) }) else {
            throw scope.error(.needsOperator, "additional_table_create_sql removed the table")
        }
        try DestinationKey.requireTelling(table, shape, binding, scope)
        var layout = BoundTable.Layout(shape: shape, table: table)
        guard binding.isKeylessMirror else { return (layout, !isUpsert || table.hasUniqueKey(binding.key)) }
        let hasIndex = try provideIndex(&layout, isLate: isKeyLate)
        return (layout, hasIndex)
    }

    /// The user's own statements see the names that a session of theirs would.
    private func runAdditional(_ sql: String) throws {
        var scope = scope
        scope.operation = "run additional_table_create_sql of"
        try scope.rethrowing {
            let change = PlannedChange(
                .create, "table \(name)", sql: sql, binding: binding.index,
                remark: "the catalog's additional_table_create_sql")
            guard !provisioning.isPlan else { return try provisioning.take(change) }
            try connection.execute("SET LOCAL search_path = \(id: binding.schema), public")
            try provisioning.take(change)
            try connection.execute("SET LOCAL search_path = ''")
        }
    }

    // MARK: - A table that is there

    private func take(
        _ table: DestinationTable, _ shape: TableShape, _ state: BindingCheckpoint, isKeyLate: Bool, isEmptied: Bool
    ) throws -> (BoundTable.Layout, hasKey: Bool) {
        try TableObstacles.require(table, statements.link, binding, layoutOf: shape, config, connection, scope)
        let known = record.flatMap { $0.state.phase == .pending ? nil : $0 }
        let isForeign =
            try known == nil && !binding.skipsBackfill && !(provisioning.isPlan && isEmptied)
            && !scope.rethrowing { try inspection.isEmpty(name) }
        if isForeign, !binding.adopts {
            throw scope.error(
                .needsOperator, "it holds rows that flowctl has no record of",
                hint:
                    "empty it (TRUNCATE \(name)), name another table, skip the binding's backfill, or set adopt: true in its "
                    + "resource: it is filled over them then, and what the source lacks is removed. The same where the link's row "
                    + "was taken out of \(statements.metadata.checkpoints): nobody knows any more what the table lacks")
        }
        try DestinationKey.requireTelling(table, shape, binding, scope)
        var layout = BoundTable.Layout(shape: shape, table: table)
        var evolution = TableEvolution(
            connection: connection, binding: binding, scope: scope, mayChange: mayChange, provisioning: provisioning)
        if var record = record.flatMap({ self.shape(in: $0, shape) }) {
            if !mayChange { record.renameColumns(as: table, shape) }
            layout.shape = record.shape
            layout.retired = record.retired
            layout.highest = record.highest
            let isFromStart = state.isReadAgain || state.phase == .pending || isEmptied
            if !isFromStart || state.gap?.need == .removals,
                record.shape.columns != shape.onlyStored.columns
            {
                // The stream begins where the last run ended: its first rows may still be of the recorded shape.
                layout.pending = shape
                if provisioning.isPlan {
                    evolution.moment = .newShape
                    _ = try evolution.run(from: layout, to: shape)
                }
            } else {
                layout = try evolution.run(from: layout, to: shape).layout
            }
        } else {
            layout.shape = TableShape(table: shape.table, namespace: shape.namespace, name: shape.name, columns: [])
            layout = try evolution.run(from: layout, to: shape).layout
        }
        try addMetadata(to: layout.table, isEmptied: provisioning.isPlan && isEmptied)
        let adoption = try adoption(isKnown: known != nil && !state.isReadAgain, isForeign: isForeign)
        let hasKey =
            binding.isKeylessMirror
            ? try provideIndex(&layout, isLate: isKeyLate)
            : try provideKey(
                layout, isKeyLate: isKeyLate && adoption == nil, hasRows: !(provisioning.isPlan && isEmptied),
                isForeign: isForeign)
        if isForeign, let adoption { try scope.rethrowing { try adoption.begin(binding, provisioning) } }
        try relax(layout, hasKey: hasKey)
        layout.adoption = adoption
        if provisioning.isPlan { return (layout, hasKey) }
        guard case .table(let final) = try scope.rethrowing({ try inspection.find(name) }) else {
            throw scope.error(.internal, "the table went away while it was prepared")
        }
        layout.table = final
        return (layout, hasKey)
    }

    /// The adoption that begins now, or that an earlier run began; nil where the table's rows are the source's, or all of
    /// them are going to be looked at since the table is read again.
    private func adoption(isKnown: Bool, isForeign: Bool) throws -> Adoption? {
        guard binding.mode == .upsert else { return nil }
        return try scope.rethrowing {
            let adoption = try Adoption.of(binding, statements, connection)
            guard !isKnown else { return try adoption.isOpen(connection) ? adoption : nil }
            try adoption.drop(connection, provisioning)
            return isForeign ? adoption : nil
        }
    }

    /// A list of rows that are gone must not be taken for one of those that come.
    private func forgetAdoption() throws {
        guard binding.mode == .upsert else { return }
        try scope.rethrowing { try Adoption.of(binding, statements, connection).drop(connection, provisioning) }
    }

    private func shape(in record: BindingRecord, _ shape: TableShape) -> ShapeRecord? {
        ShapeRecord(record.shape, table: shape.table, namespace: shape.namespace, name: shape.name)
    }

    /// Rows that are there already have none of it: columns that have no default take nulls then.
    private func addMetadata(to table: DestinationTable, isEmptied: Bool) throws {
        let isFilled = try binding.mode == .insert && !isEmptied && !scope.rethrowing { try inspection.isEmpty(name) }
        for column in binding.metadataColumns {
            if let there = table.column(column.name) {
                guard TypeCompatibility.column(there.type, accepts: column.type) else {
                    throw scope.error(
                        .needsOperator,
                        "the destination's column \"\(column.name)\" is \(there.type), and metadata of "
                            + "this name is \(column.type)", hint: "drop or rename the destination's column")
                }
                if binding.mode == .upsert, !there.hasDefault {
                    let value = column == .operation ? "'r'" : "now()"
                    try change("ALTER TABLE \(name) ALTER COLUMN \(Identifier(column.name)) SET DEFAULT \(value)")
                }
            } else {
                let definition = column.definition(in: binding.mode)
                let isFree = isFilled && !definition.contains(" DEFAULT ")
                try change(
                    "ALTER TABLE \(name) ADD COLUMN \(Identifier(column.name)) "
                        + (isFree ? definition.replacing(" NOT NULL", with: "") : definition))
            }
        }
    }

    /// Whether the key is there. `hasRows`: the table's own are looked at before one is made.
    private func provideKey(
        _ layout: BoundTable.Layout, isKeyLate: Bool, hasRows: Bool, isForeign: Bool
    ) throws -> Bool {
        guard binding.mode == .upsert else { return true }
        guard try DestinationKey.decide(layout.table, binding, scope) == .isToMake else {
            if isForeign { try DestinationKey.requireRows(binding, isUnique: true, connection, scope) }
            return true
        }
        if isKeyLate, mayChange, !layout.table.holdsDeletes { return false }
        if hasRows { try DestinationKey.requireRows(binding, isUnique: false, connection, scope) }
        let creation = KeyCreation(
            connection: connection, definition: TableDefinition(binding: binding, shape: layout.shape))
        for statement in try scope.rethrowing({
            try creation.statements(for: layout.table)
        }) { try change(keyChange(statement, moment: .start)) }
        return true
    }

    /// What rows without a key are found by: made now, unless rows are about to be read; whether nothing is left to make. A
    /// table that may not be changed goes without.
    private func provideIndex(_ layout: inout BoundTable.Layout, isLate: Bool) throws -> Bool {
        guard layout.table.contentIndex == nil, mayChange else { return true }
        if isLate { return false }
        let creation = KeyCreation(
            connection: connection, definition: TableDefinition(binding: binding, shape: layout.shape))
        for statement in try scope.rethrowing({ try creation.statements(for: layout.table) }) {
            try change(keyChange(statement, moment: .start))
        }
        layout.table.contentIndex = creation.contentIndex(of: layout.table)
        return true
    }

    /// Columns that no row will have a value for must not ask for one.
    private func relax(_ layout: BoundTable.Layout, hasKey: Bool) throws {
        let upsert = binding.mode == .upsert
        let mapped = layout.shape.storedColumns.map(\.name).nameSet
        let metadata = binding.metadataColumns.map(\.name)
        for column in layout.table.columns where column.isNotNull && !metadata.containsName(column.name) {
            guard !(upsert && binding.key.containsName(column.name)), !column.isGenerated else { continue }
            if mapped.contains(JSONKey(column.name)) ? upsert : column.hasDefault { continue }
            try layout.table.requireFree([column.name], binding, scope)
            try change("ALTER TABLE \(name) ALTER COLUMN \(Identifier(column.name)) DROP NOT NULL")
        }
    }

    private func change(_ statement: String) throws {
        try change(
            PlannedChange(
                .change, "table \(name)", sql: statement, lock: .init("ACCESS EXCLUSIVE", ["\(name)"]),
                binding: binding.index, needsOwner: true))
    }

    private func change(_ change: PlannedChange) throws {
        guard mayChange else {
            throw scope.error(
                .needsOperator, "the destination table must be changed, and schemaEvolution is none",
                hint: "run: \(change.sql)")
        }
        try scope.rethrowing { try provisioning.take(change) }
    }
}
