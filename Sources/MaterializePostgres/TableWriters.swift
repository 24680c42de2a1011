import Connectors

/// The writers of one link: the table of the n-th binding of a materialization is the (n mod `tasks`)-th's. Nothing of what is stored
/// depends on that, so it may change from one run to the next.
final class TableWriters {
    private let config: PostgresMaterialization.Config
    private let statements: LinkStatements
    private let tables: TableRegister
    private let watch: LockWatch
    /// Those that have had something to store.
    private var writers: [Int: PostgresTableWriter] = [:]

    init(
        _ config: PostgresMaterialization.Config, _ statements: LinkStatements, _ tables: TableRegister,
        _ watch: LockWatch
    ) {
        self.config = config
        self.statements = statements
        self.tables = tables
        self.watch = watch
    }

    /// Has each writer store and commit its share of what the tables have that `isFit` is true of. Returns what was left: all, where
    /// one writer would have the whole.
    func store(
        _ parts: [StoredPart], at checkpoint: LinkCheckpoint, rows: RowPool,
        together: ([() throws -> Void]) throws -> Void, isFit: (BoundTable) -> Bool
    ) throws -> [StoredPart] {
        var groups: [Int: [PostgresTableWriter.Share]] = [:]
        var rest: [StoredPart] = []
        for part in parts {
            let table = try tables.attached(part.binding)
            if isFit(table) {
                groups[table.binding.index % config.tasks, default: []].append((part, table))
            } else {
                rest.append(part)
            }
        }
        guard groups.count > 1 else { return parts }
        try together(
            groups.sorted { $0.key < $1.key }.map { number, shares in
                let writer = writers[number] ?? PostgresTableWriter(config, statements, tables, watch)
                writers[number] = writer
                return { try writer.store(shares, at: checkpoint, rows: rows) }
            })
        return rest
    }

    func close() {
        for writer in writers.values { writer.close() }
    }
}
