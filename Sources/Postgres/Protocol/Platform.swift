/// Where a server runs, as far as it matters: who may do what, and how its settings are changed.
public enum Platform: String, CaseIterable, Sendable {
    case selfHosted = "self-hosted"
    case rds, aurora, azure, neon, supabase, cloudsql

    /// By the roles and functions that only this platform's servers have.
    public static func detect(_ connection: Connection) throws -> Platform {
        let rows = try connection.query(
            """
            SELECT to_regproc('pg_catalog.aurora_version') IS NOT NULL,
                   coalesce((SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname IN
                     ('rds_superuser', 'azure_pg_admin', 'neon_superuser', 'supabase_admin', 'cloudsqlsuperuser')), '')
            """)
        if rows[0, 0] == "t" { return .aurora }
        let roles = (rows[0, 1] ?? "").split(separator: " ")
        if roles.contains("rds_superuser") { return .rds }
        if roles.contains("azure_pg_admin") { return .azure }
        if roles.contains("neon_superuser") { return .neon }
        if roles.contains("supabase_admin") { return .supabase }
        if roles.contains("cloudsqlsuperuser") { return .cloudsql }
        return .selfHosted
    }

    /// What gives a role the right to read the log, by its quoted name.
    public func replicationGrant(_ role: String) -> String {
        switch self {
        case .rds, .aurora: "GRANT rds_replication TO \(role);"
        case .selfHosted, .azure, .neon, .supabase, .cloudsql: "ALTER ROLE \(role) REPLICATION;"
        }
    }

    /// What an administrator without superuser rights has to have, to let others read the log.
    public static let administratorNeedsReplication =
        "where the statements below may not make a role with REPLICATION, have the administrator get it first: "
        + "ALTER ROLE <administrator> REPLICATION;"

    /// How `wal_level` becomes `logical`.
    public var logicalReplicationStep: String {
        switch self {
        case .selfHosted: "ALTER SYSTEM SET wal_level = logical; then restart the server"
        case .rds: "set rds.logical_replication = 1 in the instance's parameter group (not a default one), then reboot"
        case .aurora:
            "set rds.logical_replication = 1 in the cluster's parameter group (not the instance's), then reboot the writer"
        case .azure: "set the server parameter wal_level to LOGICAL in the portal, save, then restart the server"
        case .neon: "enable logical replication in the project's settings, under Logical Replication"
        case .supabase: "wal_level is logical on Supabase's own servers: check that this is the database of the project"
        case .cloudsql: "set the instance's flag cloudsql.logical_decoding to on, which restarts it"
        }
    }

    /// How a server parameter is changed.
    public func parameterStep(_ name: String, _ value: String) -> String {
        switch self {
        case .selfHosted: "ALTER SYSTEM SET \(name) = \(value); then restart the server"
        case .rds: "set \(name) = \(value) in the instance's parameter group, then reboot"
        case .aurora: "set \(name) = \(value) in the cluster's parameter group, then reboot the writer"
        case .azure: "set the server parameter \(name) to \(value) in the portal, then restart the server"
        case .neon: "\(name) is set by Neon: ask its support, or remove slots that nobody reads"
        case .supabase: "supabase postgres-config update --config \(name)=\(value)"
        case .cloudsql: "set the instance's flag \(name) to \(value)"
        }
    }

    /// What a refused login can come from at a host of this name; nil where nothing is known of it.
    public static func loginAdvice(host: String, user: String) -> String? {
        if host.hasSuffix(azureHosts), !user.contains("@") {
            return "check the password and the server's firewall; on a single server of Azure the user is "
                + "\(user)@\(host.prefix { $0 != "." })"
        }
        if host.hasSuffix(supabasePoolers), !user.contains(".") {
            return "Supabase's pooler knows a user by its project: \(user).<project>"
        }
        if host.hasSuffix(supabaseHosts), let project = project(in: user), host.hasPrefix("db.\(project).") {
            return "on the direct connection the user is \(user.dropLast(project.count + 1)), without the project"
        }
        return nil
    }

    /// The role that a login name stands for: some platforms have the server's or the project's name in it.
    public static func role(ofLogin user: String, host: String) -> String {
        if host.hasSuffix(azureHosts), let at = user.lastIndex(of: "@"), at > user.startIndex {
            return String(user[..<at])
        }
        if host.hasSuffix(supabasePoolers), let project = project(in: user) {
            return String(user.dropLast(project.count + 1))
        }
        return user
    }

    /// The host to use in place of a pooler's, where its name tells; nil for a host that names none.
    public static func directHost(insteadOf host: String, port: Int, user: String) -> String? {
        if host.hasSuffix(supabasePoolers) {
            guard let project = project(in: user) else {
                return "db.<project>.supabase.co:5432, the project's direct connection"
            }
            return "db.\(project).supabase.co:5432, the project's direct connection, and the user to "
                + "\(role(ofLogin: user, host: host))"
        }
        if host.hasSuffix(supabaseHosts), port == 6543 { return "\(host):5432" }
        guard let dot = host.firstIndex(of: "."), host[..<dot].hasSuffix("-pooler") else { return nil }
        return String(host[..<dot].dropLast("-pooler".count) + host[dot...])
    }

    private static let azureHosts = ".postgres.database.azure.com"
    private static let supabaseHosts = ".supabase.co"
    private static let supabasePoolers = ".pooler.supabase.com"

    /// What a Supabase login has after its last dot.
    private static func project(in user: String) -> String? {
        guard let dot = user.lastIndex(of: "."), dot > user.startIndex, user.index(after: dot) < user.endIndex else {
            return nil
        }
        return String(user[user.index(after: dot)...])
    }
}
