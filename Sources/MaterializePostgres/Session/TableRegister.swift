import Connectors
import Synchronization

/// The tables of a link's bindings, shared by its connections.
final class TableRegister: Sendable {
    private let tables: Mutex<[BoundTable?]>
    /// Whether servers that have MERGE are treated as those that don't.
    let avoidsMerge: Bool

    init(count: Int, avoidsMerge: Bool = false) {
        tables = Mutex(Array(repeating: nil, count: count))
        self.avoidsMerge = avoidsMerge
    }

    subscript(_ binding: Int) -> BoundTable? {
        get { tables.withLock { $0.indices.contains(binding) ? $0[binding] : nil } }
        set { tables.withLock { if $0.indices.contains(binding) { $0[binding] = newValue } } }
    }

    /// The table of a binding that was attached.
    func attached(_ binding: Int) throws -> BoundTable {
        guard let table = self[binding] else {
            throw RunError(
                .internal, operation: "store rows", message: "the binding was not attached", binding: binding)
        }
        return table
    }
}
