import Connectors
import Postgres

/// What a link's connections share about one binding's table.
// @unchecked: read by the reader's thread that fills a chunk of the binding; written by the link's thread, which does so
// only while no chunk of the binding is being filled (the mailbox's lock orders the two).
final class BoundTable: @unchecked Sendable {
    /// What changes when the table does.
    struct Layout {
        /// What the table is prepared for.
        var shape: TableShape
        /// What it is to be prepared for before the first row of that shape, where a run begins with another shape than the
        /// last one ended with.
        var pending: TableShape?
        /// Columns that the source no longer has, with their attribute numbers there.
        var retired: [Identifier: Int] = [:]
        /// The highest number of a column that the source is known to have had, of those that are left out too.
        var highest = 0
        var table: DestinationTable
        /// As the table was attached.
        var adoption: Adoption?
        /// Grows with every change: statements of an older layout are of no use.
        var generation = 0
    }

    /// The binding's index in the link.
    let number: Int
    let binding: LinkBinding
    let task: String
    var layout: Layout
    /// Whether rows can be found by key; of a table without one, whether what finds its rows is there, if anything can be.
    /// Always true of a delta table, where nobody looks.
    var hasKey: Bool
    /// The link has changes for the table: its key is to be made with the next chunk.
    var isKeyWanted = false
    /// Set while the table holds rows from before that may not be the source's.
    var adoption: Adoption?
    /// Whether rows that the log shows as new may be copied straight into the table.
    var takesDirectCopy = true

    init(number: Int, binding: LinkBinding, task: String, layout: Layout, hasKey: Bool) {
        self.number = number
        self.binding = binding
        self.task = task
        self.layout = layout
        self.hasKey = hasKey
    }

    var name: QualifiedName { QualifiedName(binding.schema, binding.name) }

    func scope(_ operation: String) -> ErrorScope { ErrorScope(operation, binding, task: task) }

    /// Whether rows can be kept out by another unique index than the key's, wherever that one was made.
    var hasOtherUnique: Bool {
        layout.table.uniqueIndexes > (layout.table.hasUniqueKey(binding.key) ? 1 : 0)
    }

    /// Whether rows may be taken out and written anew where another unique index than the key's asks for it: nothing else goes
    /// with them, neither values of columns that are not the source's nor rows that refer to them.
    func mayRewrite(isReplica: Bool) -> Bool {
        guard hasOtherUnique, isReplica || !layout.table.isReferredTo else { return false }
        let own = layout.shape.storedColumns.map(\.name) + binding.metadataColumns.map(\.name)
        return layout.table.columns.allSatisfy { $0.isGenerated || own.containsName($0.name) }
    }

    /// Whether rows of the table refer to others of it, and the server looks after that at once.
    var refersToItself: Bool {
        layout.table.references.contains { !$0.isDeferrable && $0.family.contains(name) }
    }

    /// Whether its rows need nothing of the link's own transaction: neither a change of its columns nor what a backfill has left to
    /// be done; and nobody checks them against other tables.
    func mayStandApart(isReplica: Bool) -> Bool {
        hasKey && adoption == nil && layout.pending == nil
            && (isReplica || !layout.table.refers && !layout.table.isReferredTo)
    }

    /// How rows of a shape go into the table now. Columns are found by the source's attribute number, else by name.
    ///
    /// The catalog names columns as they are called now. One that it takes by a new name is taken by its older one too, as rows have
    /// it that the log shows from before.
    func plan(for shape: TableShape, serial: Int) throws -> StorePlan {
        let current = layout.shape
        let taken = Set((layout.pending ?? current).storedColumns.compactMap(\.attribute))
        return try StorePlan(
            shape: shape, binding: binding, table: layout.table, generation: layout.generation,
            serial: serial,
            isTaken: { column in
                guard let attribute = column.attribute, taken.contains(attribute) else { return false }
                return current.storedColumns.contains { $0.attribute == attribute }
            },
            destinationName: { column in
                if let attribute = column.attribute,
                    let known = current.columns.first(where: { $0.attribute == attribute })
                {
                    return known.name
                }
                return column.name
            })
    }
}

extension ErrorScope {
    init(_ operation: String, _ binding: LinkBinding, task: String) {
        self.init(
            operation: operation, object: "table \(binding.schema).\(binding.name)", task: task, binding: binding.index)
    }
}
