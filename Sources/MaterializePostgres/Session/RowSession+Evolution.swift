import Connectors
import Postgres

/// Tables whose columns change.
extension RowSession {
    /// Brings a table to another shape, in the open transaction, and records that. Returns the SQL that it ran.
    func evolve(
        _ table: BoundTable, to shape: TableShape, _ config: PostgresMaterialization.Config,
        _ statements: LinkStatements
    ) throws -> [String] {
        let scope = table.scope("change the columns of")
        let known = table.layout.shape
        if table.layout.pending == nil, known.isSame(as: shape), known.types == shape.types { return [] }
        try begin()
        try releaseHeld(isLast: false)
        try drain()
        watched?.doing = scope
        let mayChange = config.schemaEvolution == .basic
        let labels = try extendEnums(shape.types, config, scope, mayChange: mayChange)
        let connection = connection
        var evolution = TableEvolution(
            connection: connection, binding: table.binding, scope: scope, mayChange: mayChange,
            provisioning: Provisioning(making: TableOwnership.maker(connection)))
        evolution.followsLog = true
        try require(shape, table, scope)
        let outcome = try evolution.run(from: table.layout, to: shape)
        let record = ShapeRecord(outcome.layout)
        try send(statements.shape(record.json, of: table.binding), scope)
        table.layout = outcome.layout
        return labels + outcome.statements
    }

    /// What the catalog names must be in every shape that rows come in, not only as a run begins: a field that isn't there any more would
    /// be left out in silence, and so would one that the catalog names by its new name where the log has rows from before.
    ///
    /// Should the source be as the catalog says by now, the table is read again; if not, its next start says what this one says.
    private func require(_ shape: TableShape, _ table: BoundTable, _ scope: ErrorScope) throws {
        let now = (table.layout.pending?.storedColumns ?? []).compactMap(\.attribute)
        do {
            try BindingCheck.run(table.binding, shape, scope)
            for column in shape.columns where !column.isStored {
                guard let attribute = column.attribute, now.contains(attribute) else { continue }
                throw scope.error(
                    .needsOperator,
                    "the catalog has the source's column \"\(column.name)\" by the name that it has now, and rows from before are in "
                        + "the log",
                    hint: "have it read again: raise `backfill` of the table's binding in the capture")
            }
        } catch var error as RunError {
            if table.binding.isMendedByReading { error.gap = LogGap(.rows, error.message) }
            throw error
        }
    }

    /// Labels are added on a connection of their own: in this transaction they could not be used.
    private func extendEnums(
        _ types: [TypeDefinition], _ config: PostgresMaterialization.Config, _ scope: ErrorScope, mayChange: Bool
    ) throws -> [String] {
        let hasEnums = types.contains { type in
            if case .enumeration = type.kind { return true }
            return false
        }
        guard hasEnums else { return [] }
        let side = try DestinationConnection.plain(config, scope)
        defer { side.close() }
        return try EnumLabels.extend(
            types, side, scope, mayChange: mayChange,
            Provisioning(making: TableOwnership.maker(side)))
    }
}
