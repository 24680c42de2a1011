import Connectors
import Postgres
import Synchronization

/// The tables of a link's bindings, shared by its connections.
final class TableRegister: Sendable {
    private struct State {
        var tables: [BoundTable?]
        /// Made when it is first asked for.
        var order: TableOrder?
    }

    private let state: Mutex<State>
    /// Whether servers that have MERGE are treated as those that don't.
    let avoidsMerge: Bool
    /// What lists the tables that links store.
    let records: QualifiedName
    /// The destination's user.
    let user: Identifier
    /// Whether foreign keys and ordinary triggers rested in the session that looked at the tables.
    let isReplica: Bool

    init(
        _ link: LinkSpec, _ metadata: MetadataSchema, user: String, isReplica: Bool, avoidsMerge: Bool = false
    ) {
        state = Mutex(State(tables: Array(repeating: nil, count: link.bindings.count)))
        records = metadata.bindings
        self.user = Identifier(user)
        self.isReplica = isReplica
        self.avoidsMerge = avoidsMerge
    }

    subscript(_ binding: Int) -> BoundTable? {
        get { state.withLock { $0.tables.indices.contains(binding) ? $0.tables[binding] : nil } }
        set {
            state.withLock { state in
                guard state.tables.indices.contains(binding) else { return }
                state.tables[binding] = newValue
                state.order = nil
            }
        }
    }

    /// The table of a binding that was attached.
    func attached(_ binding: Int) throws -> BoundTable {
        guard let table = self[binding] else {
            throw RunError(
                .internal, operation: "store rows", message: "the binding was not attached", binding: binding)
        }
        return table
    }

    /// Which of the link's tables refer to each other.
    var order: TableOrder {
        state.withLock { state in
            if let known = state.order { return known }
            let made = TableOrder(state.tables)
            state.order = made
            return made
        }
    }
}
