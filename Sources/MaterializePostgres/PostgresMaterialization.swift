import Connectors
import Postgres
import Synchronization

/// A Postgres database as the destination of links.
public final class PostgresMaterialization: Materialization {
    public let name: String
    public let config: Config
    let metadata: MetadataSchema
    /// For tests of what older servers are given: servers that have MERGE are treated as those that don't.
    private let avoidsMerge: Bool
    let fences = HeldFences()
    /// By capture: who hears of what holds a link up.
    private let listeners = Mutex<[String: @Sendable (StatusFinding) -> Void]>([:])

    public convenience init(name: String, config: Config) {
        self.init(name: name, config: config, avoidsMerge: false)
    }

    init(name: String, config: Config, avoidsMerge: Bool) {
        self.name = name
        self.config = config
        self.avoidsMerge = avoidsMerge
        metadata = MetadataSchema(config.metadataSchema)
    }

    public func probe() throws {
        let connection = try DestinationConnection.plain(config, scope("open"))
        defer { connection.close() }
        try TransactionPooling.refuse(connection, config, scope("open"))
    }

    public func open(_ link: LinkSpec) throws -> any Transactor {
        try metadata.refuseOwn(link.bindings, task: name)
        let scope = scope("open")
        let opened = try DestinationConnection.forRows(config, scope)
        try TransactionPooling.refuse(opened.connection, config, scope)
        let watch = LockWatch(config, LinkLock(link: link, metadata: metadata), fences) { [self] finding in
            listeners.withLock { $0[link.capture] }?(finding)
        }
        do {
            let (watched, record) = try scope.rethrowing {
                let watched = try watch.add(opened.connection, scope)
                let record =
                    try metadata.upgrade(opened.connection)
                    ? try LinkRecord.takeOver(link, metadata, opened.connection, fences) : nil
                try watch.mark(opened.connection)
                return (watched, record)
            }
            let tables = TableRegister(
                link, metadata, user: config.connection.role, isReplica: opened.isReplica, avoidsMerge: avoidsMerge)
            return PostgresTransactor(
                config: config, session: RowSession(opened, tables: tables, scope: scope, watched: watched),
                tables: tables, record: record,
                statements: LinkStatements(metadata: metadata, link: link.atDestination, fence: record?.fence ?? 0),
                fences: fences, watch: watch,
                provisioning: Provisioning(making: TableOwnership.maker(opened.connection)))
        } catch {
            watch.end()
            throw error
        }
    }

    public func openPlan(_ link: LinkSpec) throws -> any Transactor {
        try metadata.refuseOwn(link.bindings, task: name)
        let scope = scope("plan")
        let connection = try DestinationConnection.plain(config, scope)
        let record = try scope.rethrowing {
            try connection.execute("SET lock_timeout = '2s'; SET statement_timeout = '60s'")
            return try metadata.isReadable(connection) ? try LinkRecord.read(link, metadata, connection) : nil
        }
        // What keeps a session from resting its foreign keys is a check's finding.
        let isReplica = (try? DestinationConnection.takeRole(config, connection, scope)) ?? false
        let tables = TableRegister(link, metadata, user: config.connection.role, isReplica: isReplica)
        let opened = DestinationConnection.Opened(connection: connection, isReplica: isReplica)
        return PostgresTransactor(
            config: config, session: RowSession(opened, tables: tables, scope: scope), tables: tables, record: record,
            statements: LinkStatements(metadata: metadata, link: link.atDestination, fence: record?.fence ?? 0),
            fences: fences, watch: LockWatch(config, LinkLock(link: link, metadata: metadata), fences) { _ in },
            provisioning: Provisioning())
    }

    public func observe(_ link: LinkSpec, _ hear: @escaping @Sendable (StatusFinding) -> Void) {
        listeners.withLock { $0[link.capture] = hear }
    }

    func scope(_ operation: String) -> ErrorScope {
        ErrorScope(operation: operation, object: "destination \(config.connection)", task: name)
    }

    public func status() throws -> [StoredLink] {
        let scope = scope("read the status of")
        let connection = try DestinationConnection.watching(config, scope)
        defer { connection.close() }
        return try scope.rethrowing {
            guard try metadata.isReadable(connection) else { return [] }
            return try StoredLink.read(name, metadata, connection)
        }
    }

    public func record(_ error: RunError, of link: LinkSpec) {
        guard error.kind != .fenced else { return }
        var hasty = config
        hasty.connection.connectTimeout = 3
        guard let connection = try? DestinationConnection.plain(hasty, scope("record")) else { return }
        defer { connection.close() }
        let text = error.description + (error.hint.map { "\nhint: \($0)" } ?? "")
        let binding = link.bindings.first { error.task == link.materialization && $0.index == error.binding }
        do {
            // Both or neither; a runner that holds the rows is getting past the error just now.
            try connection.execute("SET lock_timeout = '2s'; SET statement_timeout = '3s'; BEGIN")
            // What happens to a runner that was fenced off is no matter of the link's any more.
            let held = fences.fence(of: link).map { String($0) }
            let noted = try connection.query(
                """
                UPDATE \(metadata.checkpoints) SET error = $3, error_class = $4
                 WHERE materialization = $1 AND capture = $2 AND ($5::bigint IS NULL OR fence <= $5::bigint) RETURNING 1
                """, [link.materialization, link.capture, text, error.kind.rawValue, held])
            if noted.count > 0, let binding, !error.isPassing {
                _ = try connection.query(
                    """
                    UPDATE \(metadata.bindings) SET error = $5, updated_at = now()
                     WHERE materialization = $1 AND capture = $2 AND destination_schema = $3 AND destination_table = $4
                    """, [link.materialization, link.capture, binding.schema, binding.name, text])
            }
            try connection.execute("COMMIT")
        } catch {
            // There is nobody left to tell: the run's own error is reported by whoever recorded it.
            return
        }
    }
}
