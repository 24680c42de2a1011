import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

/// On a cluster that looks like the platform's, with an administrator who is no superuser: what `setup` prints is run, and what
/// it has made is all that a pipeline needs, and no more.
@Suite("setup on a platform", .enabled(if: Program.executable != nil), .timeLimit(.minutes(5)))
struct PlatformTests {
    @Test(
        "its administrator makes both ends ready, twice without harm, and the pipeline runs as the roles that were made",
        arguments: [Platform.azure, .neon, .supabase, .cloudsql, .rds])
    func platform(_ platform: Platform) throws {
        let cluster = try FreshCluster(platform)
        #expect(try Platform.detect(cluster.shop) == platform)
        let isAmazon = platform == .rds
        if !isAmazon, serverVersion < 16 { try allowReplication(cluster) }

        // The source by what is printed; the destination by --apply, which gives the new user its password too.
        let script = try cluster.run(
            "setup", "--side", "source", "--platform", platform.rawValue, "--role", "flow_group")
        for _ in 1...2 { try cluster.shop.execute("\(raw: script.output)") }
        if isAmazon || serverVersion >= 16 {
            try cluster.shop.execute("ALTER ROLE \"Flow Reader\" PASSWORD 'open-sesame'")
        }
        let url = cluster.url(cluster.admin, cluster.adminPassword)
        let run = try cluster.run("setup", "--apply", "--side", "destination", "--destination-admin", url)
        #expect(run.exitCode == 0, "\(run.errors)")
        if platform == .neon { try expectPlainPassword(cluster) }
        if isAmazon { try expectMembership(cluster) }
        try cluster.prove()

        // Both again, with the servers asked for their platform: nothing is there twice, and no grant is one too many.
        let all = try cluster.run(
            "setup", "--apply", "--role", "flow_group", "--source-admin", url, "--destination-admin", url)
        #expect(all.exitCode == 0, "\(all.errors)")
        let words: [Platform: String] = [
            .azure: "max_worker_processes", .neon: "verify-full", .supabase: "never port 6543", .cloudsql: "cloudsql.",
            .rds: "the instance's parameter group",
        ]
        #expect(all.output.contains(words[platform] ?? "?"), "\(all.output)")
        let check = try cluster.run("check")
        #expect(check.exitCode == 0 && !check.output.contains("  excess  "), "\(check.output)")
        try expectAdvice(check.output, platform)
        try expectNoRightTooMany(cluster)
        switch platform {
        case .neon where Pooler.program != nil: try expectNoPooler(cluster)
        case .supabase: try expectOwnTables(cluster)
        default: break
        }
        try expectExcess(cluster)
    }

    /// What the platform's own servers let their administrators do, and others only from 16 on.
    private func allowReplication(_ cluster: FreshCluster) throws {
        try cluster.superuser().execute("CREATE ROLE \"Flow Reader\" LOGIN REPLICATION PASSWORD 'open-sesame'")
    }

    /// On Neon a verifier in place of the password is refused.
    private func expectPlainPassword(_ cluster: FreshCluster) throws {
        let log = try String(contentsOfFile: cluster.server.log, encoding: .utf8)
        #expect(log.contains("ALTER ROLE \"flow_writer\" PASSWORD 'open-barley'"))
        #expect(!log.contains("SCRAM-SHA-256$"))
    }

    /// The right to read the log comes through the group; where the server gives members nothing, it says so.
    private func expectMembership(_ cluster: FreshCluster) throws {
        let rights = try cluster.shop.query(
            """
            SELECT pg_has_role('Flow Reader', 'rds_replication', 'MEMBER'), rolreplication,
                   EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid AND roleid = 'rds_replication'::regrole)
              FROM pg_roles r WHERE rolname = 'Flow Reader'
            """)
        #expect(rights[0, 0] == "t" && rights[0, 1] == "f" && rights[0, 2] == "f")
        let check = try cluster.run("check")
        #expect(check.exitCode == 69 && check.output.contains("the role may not read the log"), "\(check.output)")
        #expect(check.output.contains(#"SQL: ALTER ROLE "Flow Reader" REPLICATION;"#), "\(check.output)")
        try cluster.superuser().execute("ALTER ROLE \"Flow Reader\" REPLICATION")
    }

    private func expectAdvice(_ output: String, _ platform: Platform) throws {
        let advice: [Platform: [String]] = [
            .azure: ["max_worker_processes: it is 8", "to 16 in the portal"],
            .neon: ["Neon removes slots", "set advanced.sslmode to verify-full"],
        ]
        for word in advice[platform] ?? [] { #expect(output.contains(word), "\(output)") }
        for (other, words) in advice where other != platform {
            for word in words { #expect(!output.contains(word), "\(other): \(output)") }
        }
    }

    /// What the roles hold, by the catalog: no attribute but those that are asked for, nothing to write among the captured tables,
    /// nothing owned at the source but what the pipeline has no need to own.
    private func expectNoRightTooMany(_ cluster: FreshCluster) throws {
        let roles = try cluster.superuser("shop").query(
            """
            SELECT count(*) FROM pg_roles
             WHERE rolname IN ('Flow Reader', 'flow_writer', 'flow_group')
               AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR (rolreplication AND rolname <> 'Flow Reader'))
            """)
        #expect(roles[0, 0] == "0")
        let tables = try cluster.superuser("shop").query(
            """
            SELECT count(*) FILTER (WHERE has_table_privilege('Flow Reader', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                                      AND c.relnamespace <> 'ops'::regnamespace),
                   count(*) FILTER (WHERE pg_get_userbyid(c.relowner) = 'Flow Reader'),
                   has_database_privilege('Flow Reader', 'shop', 'CREATE')
              FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text !~ '^pg_'
            """)
        #expect(tables[0, 0] == "0" && tables[0, 1] == "0" && tables[0, 2] == "f")
    }

    /// Neon's poolers are PgBouncers, which know no `replication`.
    private func expectNoPooler(_ cluster: FreshCluster) throws {
        let source = cluster.login("Flow Reader", "open-sesame", "shop")
        let pooler = try Pooler(before: source, users: ["Flow Reader"], password: "open-sesame")
        try cluster.program.write("flow.yaml", cluster.catalog(port: pooler.port))
        let check = try cluster.run("check")
        #expect(check.exitCode == 69, "\(check.output)")
        #expect(
            check.output.contains("it is a connection pooler's, and the log is read from the database server itself"))
        let apply = try cluster.run("apply", "--once")
        #expect(apply.exitCode == 69 && apply.errors.contains("this is a connection pooler"), "\(apply.errors)")
        let slots = try Connection(source).query("SELECT count(*) FROM pg_replication_slots WHERE active")
        #expect(slots[0, 0] == "0")
        // By name, before anything answers: what the catalog would have to say.
        let named = cluster.catalog().replacing(
            "127.0.0.1:\(cluster.server.port)\"\n", with: "ep-x-pooler.eu.aws.neon.tech\"\n")
        try cluster.program.write("flow.yaml", named)
        let printed = try cluster.run("setup", "--platform", "neon", "--side", "source")
        #expect(printed.output.contains("ep-x.eu.aws.neon.tech"), "\(printed.output)")
        try cluster.program.write("flow.yaml", cluster.catalog())
    }

    /// The platform's own schemas are none of the customer's.
    private func expectOwnTables(_ cluster: FreshCluster) throws {
        try cluster.superuser("shop").execute(
            """
            CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin; CREATE TABLE auth.users (id int PRIMARY KEY);
            CREATE SCHEMA storage; CREATE TABLE storage.objects (id int PRIMARY KEY);
            CREATE PUBLICATION supabase_realtime; GRANT USAGE ON SCHEMA auth, storage TO postgres;
            GRANT SELECT ON auth.users, storage.objects TO postgres
            """)
        let found = try cluster.run("discover", "--capture", "shop/source")
        #expect(found.exitCode == 0, "\(found.errors)")
        let text = try String(contentsOf: cluster.program.folder.appending(path: "flow.yaml"), encoding: .utf8)
        #expect(!text.contains("namespace: auth") && !text.contains("namespace: storage"), "\(text)")
    }

    /// The administrator itself would do as the capture's user, and may do much that no capture needs.
    private func expectExcess(_ cluster: FreshCluster) throws {
        try cluster.program.write("flow.yaml", cluster.catalog(reader: cluster.admin))
        let check = try cluster.run("check", reader: cluster.adminPassword)
        #expect(check.output.contains("  excess  role (role \(cluster.admin)): it may make roles"), "\(check.output)")
        let groups: [Platform: String] = [
            .azure: "azure_pg_admin", .neon: "neon_superuser", .cloudsql: "cloudsqlsuperuser", .rds: "rds_superuser",
        ]
        if let group = groups[cluster.standIn.platform] {
            #expect(check.output.contains("it is a member of \(group)"), "\(check.output)")
        }
    }
}
