import Connectors
import Postgres

/// One of several writers of a link: stores rows of its own tables on a connection of its own, which is opened as it has the first.
/// Used by one thread at a time.
///
/// Invariant: a transaction holds, of each of its tables, all that the link has up to the checkpoint, how far the table is
/// then, and the check of the fence.
final class PostgresTableWriter {
    /// A table's part.
    typealias Share = (part: StoredPart, table: BoundTable)

    private let config: PostgresMaterialization.Config
    private let statements: LinkStatements
    private let tables: TableRegister
    private let watch: LockWatch
    private var session: RowSession?

    init(
        _ config: PostgresMaterialization.Config, _ statements: LinkStatements, _ tables: TableRegister,
        _ watch: LockWatch
    ) {
        self.config = config
        self.statements = statements
        self.tables = tables
        self.watch = watch
    }

    private func scope(_ operation: String) -> ErrorScope {
        ErrorScope(
            operation: operation, object: "the link from \(statements.link.capture)",
            task: statements.link.materialization)
    }

    private func open() throws -> RowSession {
        if let session { return session }
        let scope = scope("open a writer for")
        let opened = try DestinationConnection.forRows(config, scope)
        let watched = try scope.rethrowing {
            try watch.mark(opened.connection)
            return try watch.add(opened.connection, scope)
        }
        let made = RowSession(opened, tables: tables, scope: scope, watched: watched)
        session = made
        return made
    }

    /// Stores and commits; returns when it is durable.
    func store(_ shares: [Share], at checkpoint: LinkCheckpoint, rows: RowPool) throws {
        let session = try open()
        let scope = scope("commit")
        do {
            for share in shares {
                switch share.part.changes {
                case .net(let changes):
                    try session.store(changes, share.table, shape: share.part.shape, rows: rows)
                case .logged(let changes):
                    try session.append(changes, share.table, shape: share.part.shape, rows: rows)
                }
            }
            try session.begin()
            try session.send(
                statements.place(checkpoint, of: shares.map(\.table.binding)), scope,
                fault: { scope.error(.needsOperator, "a table's row in flow.bindings is gone") })
            let link = statements.link
            try session.send(statements.holdFence, scope, fault: { Fenced.error(link) })
            try session.commit(scope)
        } catch {
            session.rollback()
            // A constraint that is looked at when the commit comes.
            guard let error = error as? RunError, error.rowFault != nil, error.binding == nil else { throw error }
            throw DeferredFault(link: statements.link, parked: []).attributed(error, session.connection)
        }
    }

    func close() {
        if let watched = session?.watched { watch.remove(watched) }
        session?.connection.close()
    }
}
