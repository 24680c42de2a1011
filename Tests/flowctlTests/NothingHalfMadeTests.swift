import Foundation
import Postgres
import TestSupport
import Testing

/// An apply that can't begin leaves both databases as they were.
@Suite("nothing is half made")
struct NothingHalfMadeTests {
    private struct Setup {
        let source: ConnectionParameters
        let destination: ConnectionParameters
        let catalog: URL

        init(_ name: String, destinationUser: String? = nil, slot: String? = nil, key: String = "/id") throws {
            (source, destination) = try TestServers.freshDatabases(name)
            try Connection(source).execute(
                "CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.b (id int PRIMARY KEY, name text)")
            catalog = TestFolder.place("half.yaml")
            try """
            captures:
              half/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                              password: none, advanced: { slotName: \(slot ?? source.database) } }
                bindings:
                  - { resource: { namespace: public, stream: a }, target: half/a }
                  - { resource: { namespace: public, stream: b }, target: half/b }
            collections: { half/a: { key: [/id] }, half/b: { key: [\(key)] } }
            materializations:
              half/destination:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database),
                              user: \(destinationUser ?? "postgres"), password: none }
                bindings:
                  - { source: half/a, resource: { table: a } }
                  - { source: half/b, resource: { table: b } }
            """.write(to: catalog, atomically: true, encoding: .utf8)
        }

        func apply() throws -> FlowctlProcess.Outcome { try FlowctlProcess.run(["apply", "--once", catalog.path]) }

        /// Publications and slots of the source; schemas and tables of the destination.
        func made() throws -> [String?] {
            let there = try Connection(source).query(
                """
                SELECT (SELECT string_agg(pubname, ',') FROM pg_publication),
                       (SELECT string_agg(slot_name, ',') FROM pg_replication_slots WHERE database = current_database())
                """)
            let here = try Connection(destination).query(
                """
                SELECT (SELECT string_agg(nspname, ',') FROM pg_namespace WHERE nspname = 'flow'),
                       (SELECT string_agg(relname, ',' ORDER BY 1) FROM pg_class
                         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
                """)
            return [there[0, 0], there[0, 1], here[0, 0], here[0, 1]]
        }

        func end() throws {
            try TestServers.drop(source)
            try FileManager.default.removeItem(at: catalog)
        }
    }

    @Test("a destination table that is refused: neither slot, publication, metadata nor the other table stays")
    func refusedTable() throws {
        let setup = try Setup("refusedtable")
        try Connection(setup.destination).execute(
            "CREATE TABLE public.b (id int PRIMARY KEY, name text); INSERT INTO public.b VALUES (1, 'mine')")
        let outcome = try setup.apply()
        #expect(outcome.exitCode == 69)
        #expect(outcome.errors.contains("public.b"), "\(outcome.errors)")
        #expect(try setup.made() == [nil, nil, nil, "b"])
        try Connection(setup.destination).execute("DROP TABLE public.b")
        #expect(try setup.apply().exitCode == 0)
        #expect(try setup.made() == ["flow_publication", setup.source.database, "flow", "a,b"])
        try setup.end()
    }

    @Test("a destination role that may not make anything: the source keeps nothing")
    func powerlessRole() throws {
        let setup = try Setup("powerless", destinationUser: "half_powerless")
        try Connection(setup.destination).execute("CREATE ROLE half_powerless LOGIN")
        let outcome = try setup.apply()
        #expect(outcome.exitCode == 69)
        #expect(outcome.errors.contains("permission denied"), "\(outcome.errors)")
        #expect(outcome.errors.components(separatedBy: "error  ").count == 2, "\(outcome.errors)")
        #expect(try setup.made() == [nil, nil, nil, nil])
        try setup.end()
        try Connection(setup.destination).execute("DROP ROLE half_powerless")
    }

    @Test("a slot that another reads: its reader is named, and nothing is made", .timeLimit(.minutes(10)))
    func slotInUse() throws {
        let setup = try Setup("slotinuse", slot: "half_taken")
        try Connection(setup.source).execute(
            "SELECT pg_create_logical_replication_slot('half_taken', 'pgoutput'); CREATE PUBLICATION other FOR TABLE public.a"
        )
        var parameters = setup.source
        parameters.applicationName = "another_reader"
        let reader = try Connection(replicationConnectionTo: parameters)
        try reader.startReplication(
            slot: "half_taken", at: LSN(0), options: [("proto_version", "1"), ("publication_names", "other")])
        let outcome = try setup.apply()
        #expect(outcome.exitCode == 69)
        #expect(outcome.errors.contains("half_taken") && outcome.errors.contains("another_reader"), "\(outcome.errors)")
        #expect(try setup.made() == ["other", "half_taken", nil, nil])
        reader.close()
        try setup.end()
    }

    @Test("a newer runner takes an idle one's place; the older stops and says so", .timeLimit(.minutes(10)))
    func takeOver() throws {
        let setup = try Setup("takeover")
        let older = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        #expect(older.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(older.errors)")
        let newer = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        #expect(newer.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(newer.errors)")
        #expect(older.waitForExit(seconds: 60) == 69)
        #expect(older.errors.contains("another runner"), "\(older.errors)")
        try Connection(setup.source).execute("INSERT INTO public.a VALUES (1)")
        #expect(
            eventually(seconds: 60) {
                (try? Connection(setup.destination).query("SELECT count(*) FROM public.a")[0, 0]) == "1"
            })
        newer.interrupt()
        #expect(newer.waitForExit(seconds: 60) == 0)
        try setup.end()
    }

    @Test("a newer runner goes on where the older one is stalled and can't let go by itself", .timeLimit(.minutes(10)))
    func stalledOlder() throws {
        let setup = try Setup("stalledolder")
        // The server lets go of a reader that doesn't answer.
        try Connection(setup.source).execute(
            "ALTER DATABASE \(id: setup.source.database) SET wal_sender_timeout = '6s'")
        let older = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        #expect(older.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(older.errors)")
        older.pause()
        let newer = try FlowctlProcess(["apply", "-o", "json", setup.catalog.path])
        #expect(newer.waitForLine(seconds: 60) { $0.contains("is still read by") } != nil, "\(newer.errors)")
        #expect(newer.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(newer.errors)")
        older.resume()
        #expect(older.waitForExit(seconds: 60) == 69)
        newer.interrupt()
        #expect(newer.waitForExit(seconds: 60) == 0)
        try setup.end()
    }

    @Test("a key that nothing keeps unique at the source is refused by check and apply before anything is made")
    func keyThatIsNotUnique() throws {
        let setup = try Setup("half_key", key: "/name")
        defer { try? setup.end() }
        try Connection(setup.source).execute(
            """
            ALTER TABLE public.b REPLICA IDENTITY FULL;
            CREATE UNIQUE INDEX ON public.b (name) WHERE id > 5; INSERT INTO public.b VALUES (1, 'same'), (2, 'same')
            """)
        let applied = try setup.apply()
        #expect(applied.exitCode == 69)
        for word in ["\"public\".\"b\"", "key (name) of collection \"half/b\"", "key: [/id]", "CREATE UNIQUE INDEX ON"]
        {
            #expect(applied.errors.contains(word), "\(applied.errors)")
        }
        #expect(!applied.errors.contains("23505"))
        #expect(try setup.made() == [nil, nil, nil, nil])
        let checked = try FlowctlProcess.run(["check", setup.catalog.path])
        #expect(checked.exitCode == 69 && checked.output.contains("no unique index keeps the key (name)"))
    }

    @Test("a unique index that is the replica identity is key enough, and so is more than one's columns")
    func keyOfAnIndex() throws {
        for key in ["/name", "/name, /id"] {
            let setup = try Setup("half_index", key: key)
            defer { try? setup.end() }
            try Connection(setup.source).execute(
                """
                ALTER TABLE public.b ALTER name SET NOT NULL; CREATE UNIQUE INDEX b_name ON public.b (name);
                INSERT INTO public.b VALUES (1, 'one'), (2, 'two')
                """)
            let identity = key == "/name" ? "USING INDEX b_name" : "FULL"
            try Connection(setup.source).execute("ALTER TABLE public.b REPLICA IDENTITY \(raw: identity)")
            let applied = try setup.apply()
            #expect(applied.exitCode == 0, "\(applied.errors)")
            #expect(try Connection(setup.destination).query("SELECT count(*) FROM public.b")[0, 0] == "2")
        }
    }
}
