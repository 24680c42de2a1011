import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

@Suite("flowctl setup", .enabled(if: Program.executable != nil))
struct SetupTests {
    @Test("what it prints makes a fresh cluster ready, twice without harm, and no more than ready")
    func printed() throws {
        let cluster = try FreshCluster()
        // Somebody's own, which shows partitions under their own names.
        try cluster.shop.execute("CREATE PUBLICATION flow_publication FOR TABLE public.days, ONLY public.heap")
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
        // An administrator that lacks what it is to give is told so, and nothing is kept.
        try cluster.shop.execute("CREATE ROLE weak LOGIN CREATEROLE PASSWORD 'w3ak'")
        let weak = try cluster.run(
            "setup", "--apply", "--side", "source", "--source-admin", cluster.url("weak", "w3ak"))
        #expect(
            weak.exitCode == 69 && weak.errors.contains("ALTER ROLE <administrator> REPLICATION;"), "\(weak.errors)")
        #expect(try cluster.shop.query("SELECT FROM pg_roles WHERE rolname = 'Flow Reader'").count == 0)
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

    @Test("a login that has the server's or the project's name in it is a role without that")
    func logins() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { address: shop.postgres.database.azure.com, user: flow@shop, password: x } } }
                bindings: [{ resource: { namespace: sales, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { address: aws-0-eu.pooler.supabase.com, user: writer.abcd, password: x } } }
                bindings: [{ source: a/orders, resource: { table: orders } }]
            """)
        let run = try program.run(["setup", "--platform", "azure", "--destination-platform", "supabase", "flow.yaml"])
        #expect(run.status == 0 && run.output.contains(#"CREATE ROLE "flow" LOGIN REPLICATION;"#), "\(run.output)")
        #expect(run.output.contains(#"CREATE ROLE "writer" LOGIN;"#) && run.output.contains("db.abcd.supabase.co"))
        #expect(!run.output.contains("flow@shop") && !run.output.contains("\"writer.abcd\""), "\(run.output)")
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
