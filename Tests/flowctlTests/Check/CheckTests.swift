import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

/// A catalog from one database to another, with users of its own at both ends.
final class TwoRoles {
    let source: ConnectionParameters
    let target: ConnectionParameters
    let folder: URL
    /// The users' names; no other test has them.
    let reader: String
    let writer: String

    init(_ name: String, advanced: String = "", tables: String, definition: SQL) throws {
        (source, target) = try TestServers.freshDatabases(name)
        reader = "reader_\(source.database)"
        writer = "writer_\(target.database)"
        folder = TestFolder.place(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Connection(source).execute("\(definition)")
        try write(advanced: advanced, tables: tables.split(separator: " ").map(String.init))
    }

    deinit {
        try? TestServers.dropSlots(of: source)
        try? FileManager.default.removeItem(at: folder)
    }

    private func write(advanced: String, tables: [String]) throws {
        var text = """
            captures:
              c/source:
                endpoint:
                  connector:
                    image: source-postgres
                    config:
                      address: "127.0.0.1:\(source.port)"
                      database: \(source.database)
                      user: \(reader)
                      password: { env: READER_SECRET }
                      advanced: { slotName: slot_\(source.database)\(advanced) }
                bindings:

            """
        for table in tables {
            text += "      - { resource: { namespace: public, stream: \(table) }, target: c/\(table) }\n"
        }
        text += "collections:\n"
        for table in tables { text += "  c/\(table): { key: [/id] }\n" }
        text += """
            materializations:
              c/target:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: "127.0.0.1:\(target.port)", database: \(target.database), user: \(writer), password: { env: WRITER_SECRET }, schema: copies }
                bindings:

            """
        for table in tables { text += "      - { source: c/\(table), resource: { table: \(table) } }\n" }
        try text.write(to: folder.appending(path: "flow.yaml"), atomically: true, encoding: .utf8)
    }

    func run(_ arguments: String...) throws -> FlowctlProcess.Outcome {
        try FlowctlProcess.run(
            arguments + ["flow.yaml"], environment: ["READER_SECRET": "sesame-1", "WRITER_SECRET": "sesame-2"],
            directory: folder, seconds: 120)
    }

    /// What a check finds: its objects but the last, which has the counts.
    func findings() throws -> (exitCode: Int32, [[String: Any]]) {
        let outcome = try run("check", "-o", "json")
        #expect(!(outcome.output + outcome.errors).contains("sesame"))
        let objects = try outcome.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(objects.last?["summary"] != nil, "\(outcome.errors)")
        return (outcome.exitCode, Array(objects.dropLast()))
    }
}

@Suite("flowctl check", .enabled(if: Program.executable != nil))
struct CheckTests {
    private func messages(_ findings: [[String: Any]], _ grade: String) -> [String] {
        findings.filter { $0["grade"] as? String == grade }.map {
            "\($0["object"] as? String ?? ""): \($0["message"] as? String ?? "")"
        }
    }

    @Test("every missing right is found at once; the SQL that mends it is enough, and the pipeline runs as those roles")
    func missingRights() throws {
        let pair = try TwoRoles(
            "check_rights", advanced: ", watermarksTable: ops.marks, signalTable: ops",
            tables: "orders guarded fenced split",
            definition: """
                CREATE TYPE public.mood AS ENUM ('a');
                CREATE TABLE public.orders (id int PRIMARY KEY, mood public.mood);
                CREATE TABLE public.guarded (id int PRIMARY KEY); ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
                CREATE TABLE public.fenced (id int PRIMARY KEY); ALTER TABLE public.fenced ENABLE ROW LEVEL SECURITY;
                CREATE POLICY all_of_it ON public.fenced USING (true);
                CREATE POLICY "not 4" ON public.fenced AS RESTRICTIVE USING (id <> 4);
                INSERT INTO public.fenced VALUES (4), (5);
                CREATE TABLE public.split (id int PRIMARY KEY) PARTITION BY RANGE (id);
                CREATE TABLE public.split_1 PARTITION OF public.split DEFAULT;
                REVOKE ALL ON SCHEMA public FROM PUBLIC;
                INSERT INTO public.orders VALUES (1, 'a'); INSERT INTO public.guarded VALUES (1), (2);
                INSERT INTO public.split VALUES (3);
                """)
        let admin = try Connection(pair.source)
        let owner = try Connection(pair.target)
        try admin.execute("CREATE ROLE \(id: pair.reader) LOGIN")
        try owner.execute(
            """
            CREATE ROLE \(id: pair.writer) LOGIN; REVOKE TEMP ON DATABASE \(id: pair.target.database) FROM PUBLIC;
            CREATE SCHEMA copies; CREATE TABLE copies.guarded (id int PRIMARY KEY)
            """)

        let (code, findings) = try pair.findings()
        #expect(code == 69)
        let unmet = messages(findings, "unmet")
        for expected in [
            "replication: the role may not read the log", #"table "public"."orders": the role may not read it"#,
            #"table "public"."guarded": row security hides rows"#, #"its policy "not 4" is restrictive"#,
            #"table "copies"."guarded": the role lacks USAGE on its schema, and SELECT, INSERT"#,
            #"publication "flow_publication": there is none"#,
            #"watermarks table "ops"."marks": it is missing"#, #"signal table "ops"."streamkap_signal": it is missing"#,
            #"schema "flow": the role can't make flowctl's tables"#,
            #"table "copies"."orders": the role can't make it"#,
            "the role may not make temporary tables",
        ] {
            #expect(unmet.contains { $0.contains(expected) }, "\(expected) in \(unmet)")
        }
        for finding in findings where finding["grade"] as? String == "unmet" {
            let sql = try #require(finding["sql"] as? String, "\(finding)")
            let isSource = finding["kind"] as? String == "capture"
            try (isSource ? admin : owner).execute("\(raw: sql)")
        }
        let mended = try pair.findings()
        #expect(mended.exitCode == 0, "\(messages(mended.1, "unmet"))")
        #expect(messages(mended.1, "excess").isEmpty)
        #expect(try admin.query("SELECT FROM pg_replication_slots WHERE database = current_database()").count == 0)
        let applied = try pair.run("apply", "--once")
        #expect(applied.exitCode == 0, "\(applied.errors)")
        #expect(try owner.query("SELECT count(*) FROM copies.guarded")[0, 0] == "2")
        #expect(try owner.query("SELECT count(*) FROM copies.fenced")[0, 0] == "2")
        #expect(try pair.findings().exitCode == 0)

        // flowctl's own tables too, each with no more than is needed of it.
        let own = ["checkpoints", "bindings", "signals", "parks", "parked_changes"]
        for table in own { try owner.execute("ALTER TABLE flow.\(id: table) OWNER TO CURRENT_USER") }
        let lacking = try pair.findings().1.filter { $0["grade"] as? String == "unmet" }
        for table in own {
            #expect(
                messages(lacking, "unmet").contains {
                    $0.hasPrefix("table \"flow\".\"\(table)\": the role lacks SELECT")
                },
                "\(messages(lacking, "unmet"))")
        }
        for finding in lacking { try owner.execute("\(raw: try #require(finding["sql"] as? String))") }
        #expect(try pair.findings().exitCode == 0)
        try admin.execute("INSERT INTO public.guarded VALUES (3)")
        let goneOn = try pair.run("apply", "--once")
        #expect(goneOn.exitCode == 0, "\(goneOn.errors)")
        #expect(try owner.query("SELECT count(*) FROM copies.guarded")[0, 0] == "3")

        // A schema that the role may not even look into.
        try owner.execute(
            "REVOKE USAGE ON SCHEMA flow FROM \(id: pair.writer); REVOKE SELECT ON flow.signals FROM \(id: pair.writer)"
        )
        let shut = try pair.findings().1.filter { $0["grade"] as? String == "unmet" }
        #expect(
            messages(shut, "unmet").contains { $0.hasPrefix("schema \"flow\": the role may not use it") }, "\(shut)")
        for finding in shut { try owner.execute("\(raw: try #require(finding["sql"] as? String, "\(finding)"))") }
        #expect(try pair.findings().exitCode == 0)
    }

    @Test("what a role may do beyond its task is named with the SQL that takes it away where it comes from")
    func excessRights() throws {
        let pair = try TwoRoles(
            "check_excess", advanced: ", signalTable: ops", tables: "orders notes",
            definition: """
                CREATE TABLE public.orders (id int PRIMARY KEY); CREATE TABLE public.notes (id int PRIMARY KEY);
                CREATE SCHEMA ops;
                CREATE TABLE ops.streamkap_signal (id varchar(255) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2000));
                CREATE PUBLICATION flow_publication FOR TABLE public.orders, public.notes, ops.streamkap_signal
                """
        )
        let admin = try Connection(pair.source)
        let group = "group_\(pair.source.database)"
        let other = "other_\(pair.source.database)"
        try admin.execute(
            """
            CREATE ROLE \(id: pair.reader) LOGIN REPLICATION CREATEROLE; CREATE ROLE \(id: group); CREATE ROLE \(id: other);
            GRANT \(id: group) TO \(id: pair.reader), \(id: other); GRANT pg_write_all_data TO \(id: group);
            GRANT pg_read_all_data TO \(id: pair.reader); GRANT DELETE ON public.orders TO \(id: pair.reader);
            GRANT INSERT ON public.orders, public.notes TO \(id: group); GRANT UPDATE (id) ON public.notes TO PUBLIC;
            GRANT USAGE ON SCHEMA ops TO \(id: pair.reader);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ops.streamkap_signal TO \(id: pair.reader);
            GRANT CREATE ON DATABASE \(id: pair.source.database) TO \(id: pair.reader);
            GRANT CREATE ON SCHEMA ops TO \(id: group)
            """)
        try Connection(pair.target).execute("CREATE ROLE \(id: pair.writer) LOGIN SUPERUSER")
        let (code, findings) = try pair.findings()
        #expect(code == 0, "\(findings)")
        let excess = messages(findings, "excess")
        for expected in [
            "role: it may make roles", "role: it is a member of pg_write_all_data through the role \(group)",
            #"captured tables: the role may write to "public"."orders""#, "role: it is a superuser",
            #"captured tables: the role may write to "public"."orders", "public"."notes" through the role \#(group)"#,
            #"captured tables: the role may write to "public"."notes" through PUBLIC"#,
            #"signal table "ops"."streamkap_signal": the role may DELETE, UPDATE there"#,
            "the role may make schemas and publications in it, and the publication is there",
            #"schemas: the role may make tables in "ops" through the role \#(group)"#,
            "role: it may read every table as a member of pg_read_all_data",
        ] {
            #expect(excess.contains { $0.contains(expected) }, "\(expected) in \(excess)")
        }
        for finding in findings where finding["grade"] as? String == "excess" && finding["kind"] as? String == "capture"
        {
            let sql = try #require(finding["sql"] as? String)
            if (finding["message"] as? String)?.contains(group) == true {
                #expect(sql.contains("its other members lose that too"), "\(sql)")
            }
            try admin.execute("\(raw: sql)")
        }
        let (mended, rest) = try pair.findings()
        let left = messages(rest, "excess")
        #expect(mended == 0 && left.count == 1 && left[0].contains("superuser"), "\(rest)")
    }

    @Test("tables, publications and destinations that don't fit are told apart, each with its own remedy")
    func misfits() throws {
        // Column lists came with 15.
        let hasLists = serverVersion >= 15
        let pair = try TwoRoles(
            "check_misfits", tables: "gone seen loose mute narrow Orders filled days",
            definition: """
                CREATE VIEW public.seen AS SELECT 1 AS id; CREATE UNLOGGED TABLE public.loose (id int PRIMARY KEY);
                CREATE TABLE public.mute (id int); CREATE TABLE public.orders (id int PRIMARY KEY);
                CREATE TABLE public.narrow (id int PRIMARY KEY, b text); CREATE TABLE public.filled (id int PRIMARY KEY);
                CREATE PUBLICATION flow_publication FOR TABLE public.narrow\(hasLists ? " (id)" : ""), public.filled WITH (publish = 'insert');
                CREATE TABLE public.heir () INHERITS (public.narrow);
                CREATE TABLE public.days (id int PRIMARY KEY) PARTITION BY RANGE (id);
                CREATE UNLOGGED TABLE public.days_1 PARTITION OF public.days DEFAULT
                """)
        try Connection(pair.source).execute("CREATE ROLE \(id: pair.reader) LOGIN SUPERUSER")
        try Connection(pair.target).execute(
            """
            CREATE ROLE \(id: pair.writer) LOGIN SUPERUSER; CREATE SCHEMA copies;
            CREATE TABLE copies.filled (id int PRIMARY KEY); INSERT INTO copies.filled VALUES (9)
            """)
        let unmet = messages(try pair.findings().1, "unmet")
        for expected in [
            #"table "public"."gone": there is none"#, #"table "public"."seen": it is a view"#,
            #"table "public"."loose": it is unlogged"#, #"table "public"."mute": it has no primary key"#,
            #"table "public"."Orders": there is none"#, "it leaves out a kind of change",
            "its partition public.days_1 is unlogged",
            #"table "copies"."filled": it holds rows that flowctl has no record of"#,
        ] {
            #expect(unmet.contains { $0.contains(expected) }, "\(expected) in \(unmet)")
        }
        let text = try pair.run("check")
        #expect(text.exitCode == 69 && text.output.contains("is public.orders meant? (case is significant)"))
        guard hasLists else { return }
        #expect(unmet.contains { $0.contains("its row filter or column list leaves out a part") }, "\(unmet)")
        #expect(text.output.contains(#"DROP TABLE ONLY "public"."narrow"; "#), "\(text.output)")
        #expect(text.output.contains(#"ADD TABLE ONLY "public"."narrow";"#))
    }

    @Test("a server that is none of ours yet is told what its platform needs")
    func platform() throws {
        let server = try LocalServer(
            "check-rds",
            settings: [
                ("wal_level", "replica"), ("max_replication_slots", "0"), ("max_wal_senders", "5"),
                ("wal_sender_timeout", "5s"),
            ])
        let admin = try server.connect()
        try admin.execute(
            """
            CREATE ROLE rds_superuser; CREATE ROLE rds_replication; CREATE ROLE flow_capture LOGIN;
            CREATE TABLE public.orders (id int PRIMARY KEY); GRANT SELECT ON public.orders TO flow_capture
            """)
        #expect(try Platform.detect(admin) == .rds)
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { address: "127.0.0.1:\(server.port)", password: x } } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { address: "127.0.0.1:1", user: x, password: x } } }
                bindings: [{ source: a/orders, resource: { table: orders } }]
            """)
        let run = try program.run(["check", "flow.yaml"])
        #expect(run.status == 69)
        for expected in [
            "wal_level: it is replica", "set rds.logical_replication = 1 in the instance's parameter group",
            #"SQL: GRANT rds_replication TO "flow_capture";"#, "max_replication_slots: all 0 are in use",
            "materialization a/t: not ready", "wal_sender_timeout (role flow_capture): it is 5s",
        ] {
            #expect(run.output.contains(expected), "\(expected) in \(run.output)")
        }
        let timeout = "ALTER ROLE \"flow_capture\" SET wal_sender_timeout = '1min';"
        #expect(run.output.contains("SQL: \(timeout)"))
        try admin.execute("\(raw: timeout)")
        #expect(try !program.run(["check", "flow.yaml"]).output.contains("wal_sender_timeout"))
    }

    @Test("the other platforms are known by what their servers have, and each is told its own steps")
    func platforms() throws {
        let server = try LocalServer(
            "check-platforms",
            settings: [("wal_level", "replica"), ("max_worker_processes", "8"), ("max_wal_senders", "5")])
        defer { server.remove() }
        let admin = try server.connect()
        try admin.execute(
            """
            CREATE ROLE flow_capture LOGIN; CREATE ROLE rds_superuser; CREATE ROLE rds_replication;
            CREATE TABLE public.orders (id int PRIMARY KEY); GRANT SELECT ON public.orders TO flow_capture
            """)
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { address: "127.0.0.1:\(server.port)", password: x } } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { address: "127.0.0.1:1", user: x, password: x } } }
                bindings: [{ source: a/orders, resource: { table: orders } }]
            """)
        let platforms: [(platform: Platform, make: SQL, remove: SQL, words: [String])] = [
            (
                .aurora,
                """
                SET allow_system_table_mods = on;
                CREATE FUNCTION pg_catalog.aurora_version() RETURNS text LANGUAGE sql AS 'SELECT ''x''::text'
                """,
                "SET allow_system_table_mods = on; DROP FUNCTION pg_catalog.aurora_version(); DROP ROLE rds_superuser",
                ["in the cluster's parameter group", #"GRANT rds_replication TO "flow_capture";"#]
            ),
            (
                .azure, "CREATE ROLE azure_pg_admin", "DROP ROLE azure_pg_admin",
                ["wal_level to LOGICAL in the portal", "max_worker_processes: it is 8", "to 16 in the portal"]
            ),
            (
                .neon, "CREATE ROLE neon_superuser", "DROP ROLE neon_superuser",
                ["in the project's settings", "Neon removes slots", "set advanced.sslmode to verify-full"]
            ),
            (
                .supabase, "CREATE ROLE supabase_admin", "DROP ROLE supabase_admin",
                ["wal_level is logical on Supabase's own servers"]
            ),
            (
                .cloudsql, "CREATE ROLE cloudsqlsuperuser", "DROP ROLE cloudsqlsuperuser",
                ["cloudsql.logical_decoding to on"]
            ),
        ]
        for (platform, make, remove, words) in platforms {
            try admin.execute(make)
            #expect(try Platform.detect(admin) == platform)
            let run = try program.run(["check", "flow.yaml"])
            #expect(run.status == 69)
            for word in words { #expect(run.output.contains(word), "\(platform): \(word) in \(run.output)") }
            if platform != .aurora {
                #expect(run.output.contains(#"ALTER ROLE "flow_capture" REPLICATION;"#), "\(run.output)")
            }
            try admin.execute(remove)
        }
    }

    @Test("a pooler's host names the host to use instead")
    func poolers() {
        func direct(_ host: String, _ port: Int, _ user: String = "flow") -> String? {
            Platform.directHost(insteadOf: host, port: port, user: user)
        }
        #expect(direct("ep-cool-1-pooler.us-east-2.aws.neon.tech", 5432) == "ep-cool-1.us-east-2.aws.neon.tech")
        #expect(direct("db.x.supabase.co", 6543) == "db.x.supabase.co:5432")
        #expect(direct("db.x.supabase.co", 5432) == nil)
        #expect(direct("my-pooler-host.example.com", 5432) == nil)
        let shared = "aws-0-eu-west-1.pooler.supabase.com"
        #expect(
            direct(shared, 5432, "flow.abcd")
                == "db.abcd.supabase.co:5432, the project's direct connection, and the user to flow")
        #expect(direct(shared, 6543)?.contains("db.<project>.supabase.co:5432") == true)
    }

    @Test("a login's name can have the server's or the project's in it, and the role's is without")
    func logins() {
        let azure = "shop.postgres.database.azure.com"
        #expect(Platform.role(ofLogin: "flow@shop", host: azure) == "flow")
        #expect(Platform.role(ofLogin: "flow@shop", host: "db.example.com") == "flow@shop")
        #expect(Platform.loginAdvice(host: azure, user: "flow")?.contains("flow@shop") == true)
        #expect(Platform.loginAdvice(host: azure, user: "flow@shop") == nil)
        let shared = "aws-0-eu-west-1.pooler.supabase.com"
        #expect(Platform.role(ofLogin: "flow.abcd", host: shared) == "flow")
        #expect(Platform.loginAdvice(host: shared, user: "flow")?.contains("flow.<project>") == true)
        #expect(Platform.loginAdvice(host: "db.abcd.supabase.co", user: "flow.abcd")?.contains("user is flow,") == true)
        #expect(Platform.loginAdvice(host: "db.abcd.supabase.co", user: "flow") == nil)
        #expect(Platform.loginAdvice(host: "db.example.com", user: "flow") == nil)
    }
}
