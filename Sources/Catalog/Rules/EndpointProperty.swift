import YAML

/// What `apply` makes of a property of a connector's endpoint or resource config. The table knows each property of the
/// connectors' schemas, so that none is left aside in silence.
struct EndpointProperty: Sendable {
    /// What is done about it.
    enum Use: Sendable {
        /// A command does as it says.
        case followed
        /// Nothing is done, and what arrives is the same.
        case harmless
        /// Values ask for something that isn't done, other than those given: they ask for what is done anyway.
        case refused(but: [Allowed])
    }

    /// A value that a refused property may have.
    enum Allowed: Sendable, Equatable {
        case no
        case text(String)
    }

    /// Names from the config's root down, with dots between; of a resource after `resource.`.
    let path: String
    let use: Use
    /// The path's names within its config.
    private let names: [String]
    private let isOfResource: Bool

    private init(path: String, use: Use) {
        self.path = path
        self.use = use
        let names = path.split(separator: ".").map(String.init)
        isOfResource = names.first == "resource"
        self.names = isOfResource ? Array(names.dropFirst()) : names
    }

    /// Those of a connector; nil for one that isn't built in.
    static func all(of connector: String) -> [EndpointProperty]? { tables[connector] }

    private static let tables: [String: [EndpointProperty]] = [
        "source-postgres": shared + source, "materialize-postgres": shared + destination,
    ]

    private static func followed(_ paths: [String]) -> [EndpointProperty] {
        paths.map { EndpointProperty(path: $0, use: .followed) }
    }

    private static func harmless(_ paths: [String]) -> [EndpointProperty] {
        paths.map { EndpointProperty(path: $0, use: .harmless) }
    }

    private static func refused(_ path: String, but allowed: Allowed...) -> EndpointProperty {
        EndpointProperty(path: path, use: .refused(but: allowed))
    }

    private static let shared =
        followed([
            "address", "database", "user", "password", "password_sops", "credentials.password",
            "credentials.password_sops", "sops", "advanced.sslmode",
            "advanced.sslrootcert", "advanced.sslcert", "advanced.sslkey", "networkTunnel.sshForwarding.sshEndpoint",
            "networkTunnel.sshForwarding.privateKey", "networkTunnel.sshForwarding.privateKey_sops",
            "networkTunnel.sshForwarding.knownHosts",
        ])
        + harmless([
            "advanced.feature_flags", "credentials.aws_region", "credentials.aws_role_arn",
            "credentials.gcp_service_account_to_impersonate", "credentials.gcp_workload_identity_pool_audience",
            "credentials.azure_client_id", "credentials.azure_tenant_id",
        ])
        + [refused("credentials.auth_type", but: .text("UserPassword"))]

    private static let source =
        followed([
            "discoveryFilters.include_schemas", "discoveryFilters.exclude_schemas", "discoveryFilters.table_patterns",
            "discoveryFilters.discover_unpublished_tables", "advanced.publicationName", "advanced.slotName",
            "advanced.failoverSlot",
            "advanced.backfill_chunk_size", "advanced.backfill_chunk_bytes", "advanced.backfillWorkers",
            "advanced.skip_backfills", "advanced.read_only_capture", "advanced.truncate", "advanced.discover_schemas",
            "advanced.discover_unpublished_tables", "resource.namespace", "resource.stream", "resource.mode",
            "resource.priority", "advanced.heartbeat.interval", "advanced.heartbeat.mode", "advanced.heartbeat.schema",
            "resource.advanced.additional_backfill_filter", "advanced.binaryHandling", "advanced.signalTable",
            "advanced.watermarksTable", "advanced.min_backfill_xid", "advanced.capture_as_partitions", "historyMode",
        ])
        + harmless([
            "advanced.statement_timeout", "advanced.discover_only_published",
            "advanced.rediscovery_interval", "advanced.source_tag", "resource.syncMode", "resource.primary_key",
        ])

    private static let destination =
        followed([
            "schema", "insertMode", "deleteMode", "hardDelete", "schemaEvolution", "onRowError", "resource.onRowError",
            "advanced.sessionReplicationRole", "tasks",
            "advanced.metadataSchema", "advanced.toast", "resource.table", "resource.schema", "resource.delta_updates",
            "resource.insertMode", "resource.deleteMode", "resource.adopt",
            "resource.additional_table_create_sql",
        ])
        + harmless(["advanced.flushInterval", "advanced.maxTransactionBytes", "advanced.no_flow_document"])
        + [
            refused("dbt_job_trigger")
        ]

    /// The member of a config that asks for what isn't done; nil where there is none.
    func unfollowed(in config: Node, isResource: Bool) -> Node.Member? {
        guard isOfResource == isResource, case .refused(let allowed) = use, let last = names.last else { return nil }
        var node: Node? = config
        for name in names.dropLast() { node = node?[name] }
        guard let member = node?.member(last), !member.value.isNull else { return nil }
        return allowed.contains { $0.covers(member.value) } ? nil : member
    }

    /// The path as it is within its config.
    var name: String { path.hasPrefix("resource.") ? String(path.dropFirst("resource.".count)) : path }
}

extension EndpointProperty.Allowed {
    fileprivate func covers(_ node: Node) -> Bool {
        switch self {
        case .no: node.bool == false
        case .text(let text): node.string == text
        }
    }
}
