import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

/// A cluster that asks for passwords, with a shop and an empty warehouse, and a catalog between them.
private final class FreshCluster {
    static let secret = "xyzzy-plugh"
    let server: LocalServer
    let program: Program
    let shop: Connection
    let warehouse: Connection

    init() throws {
        server = try LocalServer("setup", password: Self.secret)
        let admin = try server.connect()
        try admin.execute("CREATE DATABASE shop")
        try admin.execute("CREATE DATABASE warehouse")
        shop = try server.connect(database: "shop")
        warehouse = try server.connect(database: "warehouse")
        try shop.execute(
            """
            CREATE SCHEMA "Sales"; CREATE TABLE "Sales"."Orders" (id int PRIMARY KEY, total numeric(10,2));
            CREATE TABLE public.guarded (id int PRIMARY KEY); ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
            CREATE TABLE public.heap (id int, word text); CREATE TABLE public.heir () INHERITS (public.heap);
            CREATE TABLE public.days (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
            CREATE TABLE public.days_1 PARTITION OF public.days DEFAULT;
            INSERT INTO "Sales"."Orders" VALUES (1, 2.50), (2, 3.00); INSERT INTO public.guarded VALUES (1);
            INSERT INTO public.heap VALUES (1, 'a'), (1, 'a'); INSERT INTO public.days VALUES (1, '2024-01-01');
            """)
        try warehouse.execute("CREATE SCHEMA copies; CREATE TABLE copies.guarded (id int PRIMARY KEY)")
        program = try Program()
        try program.write(
            "flow.yaml",
            """
            captures:
              shop/source:
                endpoint:
                  connector:
                    image: source-postgres
                    config:
                      address: "127.0.0.1:\(server.port)"
                      database: shop
                      user: Flow Reader
                      password: { env: READER_SECRET }
                      advanced: { watermarksTable: ops.marks, signalTable: ops, heartbeat: { interval: 1m, schema: ops } }
                bindings:
                  - { resource: { namespace: Sales, stream: Orders }, target: shop/orders }
                  - { resource: { namespace: public, stream: guarded }, target: shop/guarded }
                  - { resource: { namespace: public, stream: heap }, target: shop/heap }
                  - { resource: { namespace: public, stream: days }, target: shop/days }
            collections:
              shop/orders: { key: [/id] }
              shop/guarded: { key: [/id] }
              shop/heap: { key: [/_meta/source/loc/0] }
              shop/days: { key: [/id, /day] }
            materializations:
              shop/target:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: "127.0.0.1:\(server.port)", database: warehouse, user: flow_writer, password: { env: WRITER_SECRET }, schema: copies }
                bindings:
                  - { source: shop/orders, resource: { table: Orders } }
                  - { source: shop/guarded, resource: { table: guarded } }
                  - { source: shop/heap, resource: { table: heap, delta_updates: true } }
                  - { source: shop/days, resource: { table: days } }
            """)
    }

    deinit { program.remove() }

    func run(_ arguments: String...) throws -> FlowctlProcess.Outcome {
        let outcome = try FlowctlProcess.run(
            arguments + ["flow.yaml"], environment: ["READER_SECRET": "open-sesame", "WRITER_SECRET": "open-barley"],
            directory: program.folder, seconds: 120)
        for secret in [Self.secret, "open-sesame", "open-barley"] {
            #expect(!(outcome.output + outcome.errors).contains(secret))
        }
        return outcome
    }

    func url(_ user: String, _ password: String) -> String { "postgres://\(user):\(password)@127.0.0.1" }

    /// A check without anything to mend or to take away, and a run that copies the tables.
    func prove() throws {
        let check = try run("check")
        #expect(check.exitCode == 0, "\(check.output)")
        #expect(!check.output.contains("  excess  "), "\(check.output)")
        // What is made ready for later, and apply doesn't follow yet.
        let file = program.folder.appending(path: "flow.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try program.write(
            "flow.yaml", text.replacing(", signalTable: ops, heartbeat: { interval: 1m, schema: ops }", with: ""))
        let applied = try run("apply", "--once")
        #expect(applied.exitCode == 0, "\(applied.errors)")
        for (table, rows) in [("\"Orders\"", "2"), ("guarded", "1"), ("heap", "2"), ("days", "1")] {
            #expect(try warehouse.query("SELECT count(*) FROM copies.\(raw: table)")[0, 0] == rows, "\(table)")
        }
    }
}

@Suite("flowctl setup", .enabled(if: Program.executable != nil))
struct SetupTests {
    @Test("what it prints makes a fresh cluster ready, twice without harm, and no more than ready")
    func printed() throws {
        let cluster = try FreshCluster()
        for (side, database) in [("source", cluster.shop), ("destination", cluster.warehouse)] {
            let script = try cluster.run("setup", "--side", side, "--role", "flow_group")
            #expect(script.exitCode == 0)
            for _ in 1...2 { try database.execute("\(raw: script.output)") }
        }
        try cluster.shop.execute(
            "ALTER ROLE \"Flow Reader\" PASSWORD 'open-sesame'; ALTER ROLE flow_writer PASSWORD 'open-barley'")
        #expect(try cluster.shop.query("SELECT relreplident FROM pg_class WHERE relname = 'heap'")[0, 0] == "f")
        let heir: SQL = """
            SELECT relreplident || (SELECT count(*) FROM pg_publication_tables WHERE tablename = 'heir')
              FROM pg_class WHERE relname = 'heir'
            """
        #expect(try cluster.shop.query(heir)[0, 0] == "d0", "a table that inherits is not the pipeline's")
        try cluster.prove()
        // The tables that the pipeline has made change nothing for a run of the script.
        let again = try cluster.run("setup", "--side", "destination", "--role", "flow_group")
        try cluster.warehouse.execute("\(raw: again.output)")
    }

    @Test("--apply runs it as an administrator, gives new users the catalog's passwords, and can be run again")
    func applied() throws {
        let cluster = try FreshCluster()
        let admin = cluster.url("postgres", FreshCluster.secret)
        for _ in 1...2 {
            let run = try cluster.run("setup", "--apply", "--source-admin", admin, "--destination-admin", admin)
            #expect(run.exitCode == 0, "\(run.errors)")
            #expect(run.output.contains("source shop/source  done  The captured tables, to read and nothing else"))
        }
        try cluster.prove()
        let refused = try cluster.run(
            "setup", "--apply", "--side", "source", "--source-admin", cluster.url("flow_writer", "open-barley"))
        #expect(refused.exitCode == 69)
    }

    @Test("on RDS an administrator without superuser rights makes it all, through rds_replication")
    func amazon() throws {
        let cluster = try FreshCluster()
        try cluster.shop.execute(
            """
            CREATE ROLE rds_superuser; CREATE ROLE rds_replication;
            CREATE ROLE master LOGIN CREATEROLE PASSWORD 'm'; GRANT rds_superuser TO master;
            GRANT rds_replication TO master WITH ADMIN OPTION;
            ALTER DATABASE shop OWNER TO master; ALTER DATABASE warehouse OWNER TO master; ALTER SCHEMA "Sales" OWNER TO master;
            ALTER SCHEMA public OWNER TO master; ALTER TABLE "Sales"."Orders" OWNER TO master;
            ALTER TABLE public.guarded OWNER TO master; ALTER TABLE public.heap OWNER TO master;
            ALTER TABLE public.days OWNER TO master; ALTER TABLE public.days_1 OWNER TO master;
            """)
        try cluster.warehouse.execute("ALTER SCHEMA copies OWNER TO master; ALTER TABLE copies.guarded OWNER TO master")
        let master = cluster.url("master", "m")
        let run = try cluster.run("setup", "--apply", "--source-admin", master, "--destination-admin", master)
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.output.contains("rds.logical_replication"))
        let rights = try cluster.shop.query(
            "SELECT pg_has_role('Flow Reader', 'rds_replication', 'MEMBER'), rolreplication FROM pg_roles WHERE rolname = 'Flow Reader'"
        )
        #expect(rights[0, 0] == "t" && rights[0, 1] == "f")
        let check = try cluster.run("check")
        #expect(check.exitCode == 69 && check.output.contains(#"SQL: GRANT rds_replication TO "Flow Reader";"#))
        // What the membership means to Amazon's own servers.
        try cluster.shop.execute("ALTER ROLE \"Flow Reader\" REPLICATION")
        try cluster.prove()
    }

    @Test("each platform gets its own steps, and never another's", arguments: Platform.allCases)
    func platforms(platform: Platform) throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { address: ep-x-pooler.eu.aws.neon.tech, password: hush-hush } } }
                bindings: [{ resource: { namespace: sales, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { address: db, user: w, password: hush-hush } } }
                bindings: [{ source: a/orders, resource: { table: orders } }]
            """)
        let run = try program.run(["setup", "--platform", platform.rawValue, "flow.yaml"])
        #expect(run.status == 0 && !run.output.contains("hush"), "\(run.errors)")
        let text = run.output.replacing("\n-- ", with: " ").split(separator: " ").joined(separator: " ")
        let isAmazon = platform == .rds || platform == .aurora
        #expect(text.contains("GRANT rds_replication") == isAmazon)
        #expect(text.contains("LOGIN REPLICATION") != isAmazon)
        #expect(text.contains("set the capture's address to ep-x.eu.aws.neon.tech"))
        let own: [Platform: String] = [
            .selfHosted: "ALTER SYSTEM SET wal_level = logical", .rds: "the instance's parameter group",
            .aurora: "the cluster's parameter group", .azure: "max_worker_processes to 16", .neon: "verify-full",
            .supabase: "never port 6543", .cloudsql: "cloudsql.logical_decoding",
        ]
        for (other, words) in own { #expect(text.contains(words) == (other == platform), "\(other): \(words)") }
        // Names are qualified, no role is used before it is made, and none without login has a password.
        #expect(!text.contains("search_path") && text.contains(#""sales"."orders""#))
        #expect(!run.output.contains("PASSWORD"))
        let objects = try program.run(["setup", "-o", "json", "--platform", platform.rawValue, "flow.yaml"]).output
        for line in objects.split(separator: "\n") {
            let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect((object["sql"] == nil) != (object["step"] == nil))
        }
    }
}
