import Connectors
import Postgres

/// The orders in which rows of a link's tables come and go where the server looks after foreign keys between them. Costs nothing
/// where there are none.
struct TableOrder: Sendable {
    /// By binding, those whose tables refer to its table.
    private var children: [[Int]]
    /// By binding, those that are stored after it.
    private var later: [[Int]]
    /// By binding, those whose tables its table refers to, but for one that refers back in a circle.
    private(set) var parents: [[Int]]
    /// Bindings whose rows can be taken away by their keys.
    private var deleting: Set<Int> = []
    private var isNeeded: Bool

    init(_ tables: [BoundTable?]) {
        var places: [QualifiedName: [Int]] = [:]
        for (binding, table) in tables.enumerated() {
            guard let table else { continue }
            places[table.name, default: []].append(binding)
            if table.binding.mode == .upsert, table.binding.deletes == .hard, !table.binding.isKeylessMirror {
                deleting.insert(binding)
            }
        }
        var children = Array(repeating: Set<Int>(), count: tables.count)
        var later = children
        var sooner: [(Int, Int)] = []
        for (binding, table) in tables.enumerated() {
            for key in table?.layout.table.references ?? [] {
                for child in Set(key.family.flatMap { places[$0] ?? [] }) where child != binding {
                    children[binding].insert(child)
                    if key.isDeferrable { sooner.append((child, binding)) } else { later[binding].insert(child) }
                }
            }
        }
        // Once nothing refers to a row any more it can go before another comes in its place.
        for (child, parent) in sooner where !later[parent].contains(child) { later[child].insert(parent) }
        self.children = children.map { $0.sorted() }
        self.later = later.map { $0.sorted() }
        isNeeded = children.contains { !$0.isEmpty }
        parents = Array(repeating: [], count: tables.count)
        guard isNeeded else { return }
        var seen: Set<Int> = []
        for binding in TableOrder.sorted(Array(tables.indices), self.children) {
            seen.insert(binding)
            for child in self.children[binding] where !seen.contains(child) { parents[child].append(binding) }
        }
    }

    /// Each table before those that it refers to; those that refer to each other in a circle anyhow.
    func childrenFirst(_ bindings: [Int]) -> [Int] { TableOrder.sorted(bindings, children).reversed() }

    /// What several tables have to store, in an order that the foreign keys between them allow: rows that go, those that refer
    /// first; then rows that come or change, those that are referred to first, unless the server looks at that as the transaction
    /// ends. Rows that had another key go as they come under their new one: their values are read from where they were.
    func parts(_ parts: [StoredPart]) -> [StoredPart] {
        guard isNeeded else { return parts }
        var whole: [Int: StoredPart] = [:]
        for part in parts { whole[part.binding] = part }
        let bindings = parts.map(\.binding)
        let going = childrenFirst(bindings).compactMap { binding in
            whole[binding].flatMap { part(of: $0) { $0.operation == .delete && !$0.isMovedAway } }
        }
        let rest = TableOrder.sorted(bindings, later).compactMap { binding -> StoredPart? in
            guard let part = whole[binding] else { return nil }
            guard deleting.contains(binding) else { return part }
            return self.part(of: part) { $0.operation != .delete || $0.isMovedAway }
        }
        return going + rest
    }

    private func part(of part: StoredPart, where isTaken: (NetChange) -> Bool) -> StoredPart? {
        guard deleting.contains(part.binding), case .net(let changes) = part.changes else { return nil }
        let taken = ContiguousArray(changes.filter(isTaken))
        return taken.isEmpty ? nil : StoredPart(binding: part.binding, shape: part.shape, changes: .net(taken))
    }

    /// Each before those that come later than it, so far as there is such an order; else as given. Not recursive: as deep as a
    /// chain of tables can be.
    private static func sorted(_ bindings: [Int], _ later: [[Int]]) -> [Int] {
        var seen: Set<Int> = []
        var order: [Int] = []
        for first in bindings.reversed() where seen.insert(first).inserted {
            var path = [(binding: first, next: 0)]
            while let (binding, next) = path.last {
                let rest = later[binding]
                guard next < rest.count else {
                    order.append(binding)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let other = rest[rest.count - 1 - next]
                if seen.insert(other).inserted { path.append((other, 0)) }
            }
        }
        let wanted = Set(bindings)
        return order.reversed().filter(wanted.contains)
    }
}
