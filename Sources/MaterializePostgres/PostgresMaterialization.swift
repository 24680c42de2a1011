import Connectors
import Postgres

/// A Postgres database as the destination of links.
public final class PostgresMaterialization: Materialization {
    public let name: String
    public let config: Config
    private let metadata: MetadataSchema
    /// For tests of what older servers are given: servers that have MERGE are treated as those that don't.
    private let avoidsMerge: Bool

    public convenience init(name: String, config: Config) {
        self.init(name: name, config: config, avoidsMerge: false)
    }

    init(name: String, config: Config, avoidsMerge: Bool) {
        self.name = name
        self.config = config
        self.avoidsMerge = avoidsMerge
        metadata = MetadataSchema(config.metadataSchema)
    }

    public func open(_ link: LinkSpec) throws -> any Transactor {
        let scope = scope("open")
        let opened = try DestinationConnection.forRows(config, scope)
        try metadata.prepare(opened.connection, scope)
        let record = try scope.rethrowing { try LinkRecord.takeOver(link, metadata, opened.connection) }
        let tables = TableRegister(count: link.bindings.count, avoidsMerge: avoidsMerge)
        return PostgresTransactor(
            config: config, session: RowSession(opened, tables: tables, scope: scope), tables: tables, record: record,
            statements: LinkStatements(metadata: metadata, link: link, fence: record.fence))
    }

    func scope(_ operation: String) -> ErrorScope {
        ErrorScope(operation: operation, object: "destination \(config.connection)", task: name)
    }

    /// What the destination keeps of this materialization's links. Takes nothing over and changes nothing; empty where
    /// there is nothing yet.
    public func status() throws -> [DestinationStatus] {
        let scope = scope("read the status of")
        let connection = try DestinationConnection.plain(config, scope)
        defer { connection.close() }
        return try scope.rethrowing {
            guard try metadata.exists(connection) else { return [] }
            return try DestinationStatus.read(name, metadata, connection)
        }
    }

    /// Keeps what stopped a link's table where `status` and users find it. Best effort; nothing else is touched.
    public func record(_ error: RunError, of link: LinkSpec) {
        guard error.kind != .fenced, let connection = try? DestinationConnection.plain(config, scope("record")) else {
            return
        }
        defer { connection.close() }
        let binding = link.bindings.first { $0.index == error.binding }
        _ = try? connection.query(
            """
            UPDATE \(metadata.bindings) SET error = $3, updated_at = now()
             WHERE materialization = $1 AND capture = $2
               AND ($4::text IS NULL OR (destination_schema = $4 AND destination_table = $5))
            """, [link.materialization, link.capture, error.description, binding?.schema, binding?.name])
    }
}
