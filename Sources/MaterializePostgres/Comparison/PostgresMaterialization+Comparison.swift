import Connectors
import JSON
import Postgres

extension PostgresMaterialization: ComparableMaterialization {
    public func comparisonPlan(
        for binding: LinkBinding, shape: TableShape, isOrdered: Bool
    ) throws -> ComparisonPlan {
        let scope = ErrorScope("compare", binding, task: name)
        let connection = try DestinationConnection.plain(config, scope)
        defer { connection.close() }
        return try scope.rethrowing {
            let table = try table(of: binding, connection, scope)
            let columns = compared(shape, binding, table)
            let key = binding.key.compactMap { name in columns.firstIndex { $0.source.isSameName(as: name) } }
            let there = key.compactMap { columns[$0].destination.flatMap(table.column) }
            guard !key.isEmpty, key.count == binding.key.count, there.count == key.count else {
                throw scope.error(
                    .needsOperator, "it lacks a column of the key (\(binding.key.joined(separator: ", ")))",
                    hint: "see what flowctl status says of the table")
            }
            let index = there.map(\.name)
            let serves = ([table.primaryKey].compactMap(\.self) + table.uniqueKeys).contains {
                $0.areSameNames(as: index)
            }
            let isBuiltIn = there.allSatisfy { $0.typeOID < PostgresMaterialization.firstUserOID }
            let encoding = try connection.query("SELECT getdatabaseencoding()")[0, 0] ?? ""
            return ComparisonPlan(
                columns: columns, key: key, isOrdered: isOrdered && serves && isBuiltIn,
                deletionMark: binding.deletes == .soft ? MetadataColumn.operation.name : nil, encoding: encoding)
        }
    }

    public func openRows(
        of binding: LinkBinding, in link: LinkSpec, _ plan: ComparisonPlan
    ) throws -> any ComparedDestinationRows {
        let scope = ErrorScope("compare", binding, task: name)
        let connection = try DestinationConnection.plain(config, scope)
        return try scope.rethrowing {
            let table = try table(of: binding, connection, scope)
            try HashedRows.prepare(connection, isOrdered: plan.isOrdered)
            let columns = plan.columns.map { column in
                column.destination.map { "t.\(Identifier($0))" } ?? "NULL"
            }
            let hashed = HashedTable(
                rows: "\(QualifiedName(binding.schema, binding.name))", columns: columns,
                key: plan.key.map { place in
                    let column = plan.columns[place].destination.flatMap(table.column)
                    return HashedTable.Key(
                        place: place, column: columns[place], type: column?.type ?? "text",
                        collation: column?.collation, operators: column?.operators ?? .builtIn)
                }, filter: plan.deletionMark.map { "t.\(Identifier($0)) IS DISTINCT FROM 'd'" },
                convertsText: plan.convertsText)
            return DestinationRows(
                rows: HashedRows(table: hashed, connection: connection), link: link, metadata: metadata, scope: scope)
        }
    }

    /// The first OID that an installation gives out (transam.h, FirstNormalObjectId).
    private static let firstUserOID: UInt32 = 16384

    private func table(
        of binding: LinkBinding, _ connection: Connection, _ scope: ErrorScope
    ) throws -> DestinationTable {
        guard
            case .table(let table) = try TableInspection(connection: connection).find(
                QualifiedName(binding.schema, binding.name))
        else {
            throw scope.error(.needsOperator, "there is no such table", hint: "flowctl apply makes it")
        }
        if table.obstacle == .rowSecurity {
            throw scope.error(
                .needsOperator, "row-level security hides rows from the user",
                hint: "ALTER ROLE \(Identifier(config.connection.user)) BYPASSRLS;")
        }
        return table
    }

    /// The source's columns that the binding takes, generated ones where the destination computes them too.
    private func compared(
        _ shape: TableShape, _ binding: LinkBinding, _ table: DestinationTable
    ) -> [ComparisonPlan.Column] {
        func column(_ source: String, _ type: String) -> ComparisonPlan.Column {
            let found = table.column(binding.destinationName(of: source))
            let other = found.flatMap { $0.type.isSameName(as: type) ? nil : $0.type }
            return ComparisonPlan.Column(source: source, destination: found?.name, type: other)
        }
        let own = shape.columns.filter { binding.takes($0.name) }.map { column($0.name, $0.type) }
        let computed = shape.generated.filter {
            binding.obstacle(to: $0) == nil && table.column(binding.destinationName(of: $0.name))?.isGenerated == true
        }
        return own + computed.map { column($0.name, $0.type) }
    }
}
