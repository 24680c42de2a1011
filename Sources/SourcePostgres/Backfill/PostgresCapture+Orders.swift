import Connectors
import Postgres

extension PostgresCapture {
    /// The order in which the rows are read for a binding: one in which no two rows can exchange the binding's key. Where the
    /// table's own order is by columns outside of the key, a transaction can move a key from what was not read yet to what
    /// was, and another row's key back: rows are read by a unique index of the key then.
    func order(
        of binding: LinkBinding, state: BackfillState, _ found: Found, _ link: LinkSpec
    ) throws -> KeyOrder {
        let own = found.orders[binding.table]
        if state.signal != nil, state.isReading || state.filter.isFiltering, let names = state.order {
            return try signalled(names, binding, found, isReading: !state.filter.isCopied)
        }
        if binding.isKeylessMirror || own.isKeyless { return try keylessOrder(of: binding, state, found, link) }
        let key = binding.key.nameSet
        let isAny = binding.mode != .upsert || !state.filter.isFiltering
        let orders = isAny ? [own] : [own] + found.keyOrders[binding.table]
        let usable = orders.first { isAny || key.isSuperset(of: $0.names.nameSet) }
        guard let order = usable else { throw unordered(binding, found, link) }
        let began = state.order ?? own.names
        guard state.filter.frontier == nil || !state.filter.isFiltering || began.areSameNames(as: order.names) else {
            throw RunError(
                .needsOperator, operation: "go on reading", object: "table \(found.sources[binding.table].name)",
                message: "it was begun in the order of \(began.joined(separator: ", ")), and is read in that of "
                    + "\(order.names.joined(separator: ", ")) now",
                hint: "have it read again: \(binding.readingAgain(in: link))",
                task: link.materialization, binding: binding.index)
        }
        return order
    }

    /// The order of rows that nothing tells apart. A mirror that is read again is compared as a whole: its destination need not
    /// sort values as the source does.
    private func keylessOrder(
        of binding: LinkBinding, _ state: BackfillState, _ found: Found, _ link: LinkSpec
    ) throws -> KeyOrder {
        let whole = KeyOrder(columns: [])
        let isReplaced = binding.isKeylessMirror && (state.filter.isOverlay || state.signal != nil)
        guard state.filter.isFiltering, !isReplaced else { return whole }
        let source = found.sources[binding.table]
        return try rethrowing("go on reading", "table \(source.name)") {
            let connection = try connect()
            defer { connection.close() }
            let columns = ColumnOrder(connection: connection)
            let shape = found.shapes[binding.table]
            let hasBegun = state.filter.frontier != nil || !state.filter.ranges.isEmpty
            guard hasBegun, let names = state.order else { return try columns.find(source, shape) ?? whole }
            if names.isEmpty { return whole }
            if let order = try columns.order(source, by: names, shape), state.orderTypes ?? order.types == order.types {
                return order
            }
            throw RunError(
                .needsOperator, operation: "go on reading", object: "table \(source.name)",
                message:
                    "it was begun in the order of \(names.joined(separator: ", ")), of which it has no column of the same "
                    + "type any more",
                hint: "have it read from its beginning: \(binding.readingAnew(in: link))",
                task: link.materialization, binding: binding.index)
        }
    }

    /// The order that a signal's snapshot was begun in: columns that are unique, as they were then.
    private func signalled(
        _ names: [String], _ binding: LinkBinding, _ found: Found, isReading: Bool
    ) throws -> KeyOrder {
        let known = [found.orders[binding.table]] + found.keyOrders[binding.table]
        if let order = known.first(where: { $0.names.areSameNames(as: names) }) { return order }
        let source = found.sources[binding.table]
        return try rethrowing("go on reading", "table \(source.name)") {
            let connection = try connect()
            defer { connection.close() }
            let unique = try UniqueKeys(connection: connection).columns(of: source)
            guard !isReading || unique.contains(where: { $0.areSameNames(as: names) }) else {
                throw RunError(
                    .needsOperator, operation: "go on reading", object: "table \(source.name)",
                    message: "no unique index of \(names.joined(separator: ", ")) is there any more")
            }
            return try TableCatalog(connection: connection).order(
                of: source, by: names, shape: found.shapes[binding.table])
        }
    }

    private func unordered(_ binding: LinkBinding, _ found: Found, _ link: LinkSpec) -> RunError {
        let source = found.sources[binding.table]
        let own = found.orders[binding.table].names.map { "/" + $0 }.joined(separator: ", ")
        let nullable = found.shapes[binding.table].columns.filter { binding.key.containsName($0.name) && !$0.isNotNull }
        var hint = "give the collection the table's own key, key: [\(own)] (a binding's groupBy counts before it)"
        if !nullable.isEmpty {
            let changes = nullable.map { "ALTER \(Identifier($0.name)) SET NOT NULL" }
            hint += ", or ALTER TABLE \(source.name) \(changes.joined(separator: ", "));"
        }
        return RunError(
            .needsOperator, operation: "read by the key", object: "table \(source.name)",
            message:
                "no unique index of columns that are NOT NULL has the collection's key: rows that exchange their keys "
                + "while the table is read in another order would be lost",
            hint: hint, task: link.materialization, binding: binding.index)
    }
}
