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
        let evolution = TableEvolution(
            connection: connection, binding: table.binding, scope: scope, mayChange: mayChange,
            provisioning: Provisioning(making: TableOwnership.maker(connection)))
        let outcome = try evolution.run(from: table.layout, to: shape)
        let record = ShapeRecord(outcome.layout)
        try send(statements.shape(record.json, of: table.binding), scope)
        table.layout = outcome.layout
        return labels + outcome.statements
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
