import Foundation
import Postgres
import TestSupport

/// How a platform's servers show themselves, for a cluster of our own to look alike: who its superuser is (never the customer), the
/// roles and settings that are there, and an administrator with the rights that customers get.
///
/// Two things of a platform's own servers can't be had from others: members of `rds_replication` may read the log, and before 16 an
/// administrator may give REPLICATION. There a test has the superuser give the attribute.
struct PlatformStandIn {
    let platform: Platform
    /// Whose the cluster is; `postgres` is renamed to it.
    let superuser: String
    /// The customer's.
    let admin: String
    var settings: [(String, String)] = []
    /// Run by the superuser.
    let roles: SQL

    static let adminPassword = "m4ster-plan"

    static func of(_ platform: Platform) -> PlatformStandIn {
        switch platform {
        case .selfHosted: PlatformStandIn(platform: platform, superuser: "postgres", admin: "postgres", roles: "SELECT")
        case .rds, .aurora: amazon(platform)
        case .azure:
            PlatformStandIn(
                platform: platform, superuser: "azuresu", admin: "shop_admin",
                settings: [
                    ("azure.extensions", "PGLOGICAL"), ("azure.accepted_password_auth_method", "scram-sha-256"),
                    ("max_worker_processes", "8"),
                ],
                roles: """
                    CREATE ROLE azure_pg_admin NOLOGIN; GRANT pg_monitor, pg_signal_backend TO azure_pg_admin WITH ADMIN OPTION;
                    CREATE ROLE shop_admin LOGIN CREATEROLE CREATEDB REPLICATION; GRANT azure_pg_admin TO shop_admin
                    """)
        case .neon:
            PlatformStandIn(
                platform: platform, superuser: "cloud_admin", admin: "neondb_owner",
                settings: [("neon.timeline_id", "d1b9"), ("neon.tenant_id", "e0a2"), ("log_statement", "ddl")],
                roles: """
                    CREATE ROLE neon_superuser NOLOGIN CREATEROLE CREATEDB BYPASSRLS REPLICATION;
                    GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO neon_superuser WITH ADMIN OPTION;
                    CREATE ROLE neondb_owner LOGIN CREATEROLE CREATEDB BYPASSRLS REPLICATION; GRANT neon_superuser TO neondb_owner
                    """)
        case .supabase:
            PlatformStandIn(
                platform: platform, superuser: "supabase_admin", admin: "postgres",
                roles: """
                    CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role BYPASSRLS;
                    CREATE ROLE authenticator NOINHERIT LOGIN; GRANT anon, authenticated, service_role TO authenticator;
                    CREATE ROLE supabase_auth_admin NOINHERIT CREATEROLE LOGIN; CREATE ROLE dashboard_user CREATEROLE REPLICATION;
                    CREATE ROLE postgres LOGIN CREATEROLE CREATEDB BYPASSRLS REPLICATION
                    """)
        case .cloudsql:
            PlatformStandIn(
                platform: platform, superuser: "cloudsqladmin", admin: "postgres",
                settings: [("cloudsql.logical_decoding", "on"), ("cloudsql.iam_authentication", "off")],
                roles: """
                    CREATE ROLE cloudsqlsuperuser NOLOGIN CREATEROLE CREATEDB; CREATE ROLE cloudsqlagent LOGIN;
                    CREATE ROLE cloudsqlimportexport; CREATE ROLE cloudsqlreplica LOGIN REPLICATION;
                    GRANT pg_monitor, pg_signal_backend TO cloudsqlsuperuser WITH ADMIN OPTION;
                    CREATE ROLE postgres LOGIN CREATEROLE CREATEDB REPLICATION; GRANT cloudsqlsuperuser TO postgres
                    """)
        }
    }

    private static func amazon(_ platform: Platform) -> PlatformStandIn {
        PlatformStandIn(
            platform: platform, superuser: "rdsadmin", admin: "master",
            settings: [("rds.logical_replication", "1"), ("rds.extensions", "pglogical")],
            roles: """
                CREATE ROLE rds_superuser NOLOGIN; CREATE ROLE rds_password; CREATE ROLE rds_iam; CREATE ROLE rds_replication;
                GRANT rds_replication, pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
                CREATE ROLE master LOGIN CREATEROLE CREATEDB; GRANT rds_superuser TO master
                """)
    }

    /// Makes the roles, and the superuser the platform's own. What follows logs in as them.
    func prepare(_ server: LocalServer) throws {
        guard platform != .selfHosted else { return }
        try server.connect().execute("CREATE ROLE maker LOGIN SUPERUSER PASSWORD \(literal: Self.adminPassword)")
        var maker = server.parameters(user: "maker")
        maker.password = Self.adminPassword
        try Connection(maker).execute("ALTER ROLE postgres RENAME TO \(id: superuser)")
        var owner = server.parameters(user: superuser)
        owner.password = server.password
        let connection = try Connection(owner)
        try connection.execute(roles)
        try connection.execute(
            "DROP ROLE maker; ALTER ROLE \(id: admin) PASSWORD \(literal: Self.adminPassword)")
    }
}
