import Connectors
import JSON
import Postgres
import TestSupport
import Testing

@testable import MaterializePostgres

@Suite("the destination as an endpoint")
struct EndpointTests {
    private typealias Config = PostgresMaterialization.Config
    let shape = TableShape.test([.int("id", key: true), .text("name")])

    @Test("a config has defaults for all but the address and the user")
    func defaults() throws {
        let config = try Config(["address": "db.example.com", "user": "flow", "password": "s3cret"])
        #expect(config.connection.host == "db.example.com")
        #expect(config.connection.port == 5432)
        #expect(config.connection.database == "postgres")
        #expect(config.connection.password == "s3cret")
        #expect(config.schema == "public")
        #expect(config.metadataSchema == "flow")
        #expect(config.insertMode == .upsert)
        #expect(config.deleteMode == .hard)
        #expect(config.schemaEvolution == .basic)
        #expect(config.replicationRole == .automatic)
    }

    @Test("a config's choices are read")
    func choices() throws {
        let config = try Config([
            "address": "[::1]:6000", "user": "u", "database": "Db", "schema": "S", "insertMode": "insert",
            "hardDelete": false, "schemaEvolution": "none", "credentials": ["password": "p"],
            "advanced": [
                "sslmode": "verify-full", "sslrootcert": "/ca.pem", "sessionReplicationRole": "origin",
                "metadataSchema": "meta",
            ],
        ])
        #expect(config.connection.host == "::1" && config.connection.port == 6000)
        #expect(config.connection.sslMode == "verify-full" && config.connection.sslRootCert == "/ca.pem")
        #expect(config.connection.password == "p")
        #expect(config.insertMode == .insert && config.deleteMode == .soft && config.schemaEvolution == .none)
        #expect(config.replicationRole == .origin && config.metadataSchema == "meta")
        let both = try Config(["address": "a", "user": "u", "hardDelete": true, "deleteMode": "ignore"])
        #expect(both.deleteMode == .ignore)
    }

    @Test(
        "a config that can't be meant is refused by property",
        arguments: [
            ("address", ["user": "u"]), ("user", ["address": "a"]), ("address", ["address": "a:99999", "user": "u"]),
            ("insertMode", ["address": "a", "user": "u", "insertMode": "merge"]),
            ("schemaEvolution", ["address": "a", "user": "u", "schemaEvolution": 1]),
        ] as [(String, JSONValue)])
    func refused(property: String, value: JSONValue) {
        let error = #expect(throws: RunError.self) { try Config(value) }
        #expect(error?.object == property)
    }

    @Test("the status of a bare database is empty, and asking makes nothing")
    func bareStatus() throws {
        let destination = try Destination()
        #expect(try destination.materialization().status().isEmpty)
        #expect(try destination.value("SELECT to_regnamespace('flow')") == nil)
    }

    @Test("the status shows each link and table, what stopped it, and takes nothing over")
    func status() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape, willBackfill: true)
        try link.chunk(["1\ta", "2\tb"], shape: shape)
        let error = RunError(
            .needsOperator, operation: "store rows", object: "table public.orders", message: "no", hint: "mend it",
            task: link.spec.materialization, binding: 0)
        destination.materialization().record(error, of: link.spec)
        let status = try #require(try destination.materialization().status().first)
        #expect(status.capture == "acme/capture" && status.fence == 1 && status.position == LogPosition(100))
        #expect(status.tables.count == 1)
        #expect(status.tables.first?.state.phase == .backfilling && status.tables.first?.state.rows == 2)
        #expect(status.tables.first?.error == "store rows table public.orders: no\nhint: mend it")
        #expect(status.failure?.message == status.tables.first?.error && status.failure?.isTransient == false)
        link.close()
        // Taking the link up again does not get past the error: a commit does.
        let next = try TestLink(destination, shape)
        #expect(try destination.materialization().status().first?.tables.first?.error != nil)
        try next.store(shape) { rows in rows.insert([3, "a"]) }
        let mended = try #require(try destination.materialization().status().first)
        #expect(mended.failure == nil && mended.tables.first?.error == nil)
        #expect(try destination.value("SELECT count(*) FROM flow.bindings WHERE error IS NOT NULL") == "0")
    }

    @Test("the checkpoint keeps the source's time, and metadata of an older version is read, then brought up to date")
    func sourceTime() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        try link.transactor.commit(
            LinkCheckpoint(position: LogPosition(200), captureState: "{}", time: 1_000_001), bindings: [:])
        #expect(try destination.value("SELECT source_time FROM flow.checkpoints") == "2000-01-01 00:00:01.000001+00")
        #expect(try destination.materialization().status().first?.time == 1_000_001)
        // A position whose time is not known leaves the last one that was.
        try link.transactor.commit(LinkCheckpoint(position: LogPosition(300), captureState: "{}"), bindings: [:])
        #expect(try destination.materialization().status().first?.time == 1_000_001)
        link.close()
        try destination.eye.execute(
            "ALTER TABLE flow.checkpoints DROP COLUMN source_time, DROP COLUMN error, DROP COLUMN error_class")
        let old = try #require(try destination.materialization().status().first)
        #expect(old.position == LogPosition(300) && old.time == nil && old.failure == nil)
        try TestLink(destination, shape).close()
        #expect(try destination.value("SELECT source_time FROM flow.checkpoints") == nil)
    }

    @Test("the SQL functions say how far the database is, and wait")
    func functions() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in rows.insert([1, "a"]) }
        #expect(try destination.value("SELECT flow.position('acme/capture')") == "0/65")
        #expect(try destination.value("SELECT flow.position('nobody')") == nil)
        #expect(try destination.value("SELECT flow.wait_for('acme/capture', '0/65')") == "t")
        #expect(try destination.value("SELECT flow.wait_for('acme/capture', '0/66', '20 ms')") == "f")
        #expect(
            try destination.value("SELECT flow.wait_for(capture => 'nobody', lsn => '0/0', timeout => '1 ms')") == "f")
        // Of two materializations of one capture the one behind counts.
        try destination.eye.execute("INSERT INTO flow.checkpoints VALUES ('other', 'acme/capture', 1, NULL, '')")
        #expect(try destination.value("SELECT flow.position('acme/capture')") == nil)
    }

    @Test("a session that waits sees the rows as soon as their commit is there", .timeLimit(.minutes(10)))
    func waiting() throws {
        let destination = try Destination()
        let link = try TestLink(destination, shape)
        let parameters = destination.parameters
        let waiter = Answer<String>()
        waiter.start {
            let connection = try Connection(parameters)
            guard try connection.query("SELECT flow.wait_for('acme/capture', '0/65', '60 s')")[0, 0] == "t" else {
                return "too late"
            }
            return try connection.query("SELECT name FROM public.orders")[0, 0] ?? "no row"
        }
        let isWaiting: SQL = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT flow.wait_for%'"
        #expect(try eventually(seconds: 60) { try destination.value(isWaiting) != "0" })
        try link.store(shape) { rows in rows.insert([1, "a"]) }
        #expect(try waiter.wait() == "a")
    }

    @Test("a role without any right but on its schema writes, and foreign keys are looked at when the commit comes")
    func modestRole() throws {
        let destination = try Destination()
        let role = "modest_\(destination.parameters.database)"
        try destination.eye.execute(
            """
            CREATE ROLE \(id: role) LOGIN; GRANT CREATE, TEMP ON DATABASE \(id: destination.parameters.database) TO \(id: role);
            CREATE SCHEMA shop AUTHORIZATION \(id: role);
            CREATE TABLE shop.parent (id int PRIMARY KEY, name text);
            CREATE TABLE shop.child (id int PRIMARY KEY REFERENCES shop.parent DEFERRABLE, name text);
            ALTER TABLE shop.parent OWNER TO \(id: role); ALTER TABLE shop.child OWNER TO \(id: role)
            """)
        let bindings = ["child", "parent"].map { name in
            (
                LinkBinding.test(shape) {
                    $0.schema = "shop"; $0.name = name
                }, shape
            )
        }
        let link = try TestLink(destination.materialization { $0.connection.user = role }, bindings)
        try link.storeOpen(shape, binding: 0) { $0.insert([1, "child"]) }
        try link.storeOpen(shape, binding: 1) { $0.insert([1, "parent"]) }
        try link.commit()
        try link.storeOpen(shape, binding: 0) { rows in for id in 2..<100 { rows.update([.text("\(id)"), "c"]) } }
        try link.storeOpen(shape, binding: 1) { rows in for id in 2..<100 { rows.update([.text("\(id)"), "p"]) } }
        try link.commit()
        #expect(try destination.value("SELECT count(*) FROM shop.child JOIN shop.parent USING (id)") == "99")
        try link.storeOpen(shape, binding: 0) { $0.insert([500, "orphan"]) }
        let error = #expect(throws: RunError.self) { try link.commit() }
        #expect(error?.sqlState == "23503")
        #expect(error?.kind == .needsOperator)
        #expect(try destination.value("SELECT count(*) FROM shop.child") == "99")
    }

    @Test("triggers and foreign keys rest where the role may have it so")
    func replicaRole() throws {
        let destination = try Destination()
        try destination.eye.execute(
            """
            CREATE TABLE public.parent (id int PRIMARY KEY);
            CREATE TABLE public.orders (id int PRIMARY KEY REFERENCES public.parent, name text);
            CREATE FUNCTION public.shout() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN NEW.name := upper(NEW.name); RETURN NEW; END';
            CREATE TRIGGER shout BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.shout()
            """)
        let link = try TestLink(destination, shape)
        try link.store(shape) { rows in rows.insert([1, "quiet"]) }
        #expect(try destination.rows("SELECT * FROM public.orders") == ["1|quiet"])
        link.close()
        let fired = destination.materialization { $0.replicationRole = .origin }
        let refused = #expect(throws: RunError.self) { _ = try TestLink(fired, [(.test(shape), shape)]) }
        #expect(
            refused?.message.contains("the trigger \"shout\" of \"public\".\"orders\" fires before each row") == true)
        try destination.eye.execute("ALTER TABLE public.orders DISABLE TRIGGER shout")
        let origin = try TestLink(fired, [(.test(shape), shape)])
        let error = #expect(throws: RunError.self) { try origin.store(shape) { rows in rows.insert([2, "loud"]) } }
        #expect(error?.sqlState == "23503")
    }

    @Test("a trigger that fires before rows is refused by check, plan and the run, and only where it would fire")
    func firingTriggers() throws {
        let destination = try Destination()
        let role = "watched_\(destination.parameters.database)"
        try destination.eye.execute(
            """
            CREATE ROLE \(id: role) LOGIN; GRANT CREATE, TEMP ON DATABASE \(id: destination.parameters.database) TO \(id: role);
            CREATE TABLE public.orders (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
            CREATE TABLE public.low PARTITION OF public.orders FOR VALUES FROM (0) TO (9);
            ALTER TABLE public.orders OWNER TO \(id: role);
            CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
            """)
        let modest = destination.materialization { $0.connection.user = role }
        let mighty = destination.materialization()
        func refusal(_ materialization: PostgresMaterialization, _ change: (inout LinkBinding) -> Void = { _ in })
            throws
            -> String?
        {
            let binding = LinkBinding.test(shape, change)
            let link = LinkSpec(capture: "acme/capture", materialization: "acme/warehouse", bindings: [binding])
            let plan = try materialization.openPlan(link)
            defer { plan.close() }
            try plan.attach(
                [AttachedTable(shape, BindingCheckpoint(phase: .streaming), willBackfill: false)],
                beginning: LinkCheckpoint(position: .zero, captureState: "{}"))
            let planned = plan.refusals.first { $0.message.contains("trigger") }?.hint
            let checked = materialization.check(link, shapes: [shape]).first {
                $0.grade == .unmet && $0.message.contains("trigger")
            }
            #expect((checked == nil) == (planned == nil), "\(String(describing: checked))")
            return planned
        }
        for (trigger, table) in [
            ("BEFORE UPDATE OR DELETE ON public.low FOR EACH ROW", "low"),
            ("BEFORE DELETE ON public.orders FOR EACH ROW", "orders"),
        ] {
            try destination.eye.execute("CREATE TRIGGER lost \(raw: trigger) EXECUTE FUNCTION public.swallow()")
            let hint = try #require(try refusal(modest))
            #expect(hint.contains("GRANT SET ON PARAMETER session_replication_role TO \"\(role)\""), "\(hint)")
            #expect(hint.contains("ALTER TABLE \"public\".\"\(table)\" DISABLE TRIGGER \"lost\""), "\(hint)")
            #expect(try refusal(mighty) == nil)
            try destination.eye.execute("ALTER TABLE public.\(raw: table) ENABLE ALWAYS TRIGGER lost")
            #expect(try refusal(mighty)?.contains("or ENABLE TRIGGER \"lost\"") == true)
            #expect((try refusal(mighty) { $0.deletes = .soft } == nil) == (table == "orders"))
            try destination.eye.execute("DROP TRIGGER lost ON public.\(raw: table)")
        }
        try destination.eye.execute(
            """
            CREATE TRIGGER after AFTER INSERT OR UPDATE OR DELETE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.swallow();
            CREATE TRIGGER statement BEFORE INSERT ON public.orders EXECUTE FUNCTION public.swallow()
            """)
        #expect(try refusal(modest) == nil)
    }

    @Test("a privilege that is missing is named")
    func missingPrivilege() throws {
        let destination = try Destination()
        let role = "powerless_\(destination.parameters.database)"
        try destination.eye.execute("CREATE ROLE \(id: role) LOGIN")
        let error = #expect(throws: RunError.self) {
            _ = try destination.materialization { $0.connection.user = role }.open(
                LinkSpec(capture: "a", materialization: "b", bindings: [])
            ).attach([], beginning: nil)
        }
        #expect(error?.kind == .needsOperator)
        #expect(error?.sqlState == "42501")
        #expect(error?.hint != nil)
    }

    @Test("failures are told apart by what they ask for")
    func classes() {
        let scope = ErrorScope(operation: "test", object: "table a.b", task: "t", binding: 3)
        for (state, kind) in [
            ("40001", RunError.Class.transient), ("40P01", .transient), ("08006", .transient), ("57P01", .transient),
            ("57P03", .transient), ("53300", .transient), ("57014", .transient), ("28P01", .authentication),
            ("28000", .authentication), ("42501", .needsOperator), ("53100", .needsOperator), ("23505", .needsOperator),
            ("3D000", .needsOperator), ("25006", .needsOperator), ("42P01", .needsOperator), ("XX000", .transient),
        ] {
            let error = scope.error(PostgresError(operation: "x", message: "m", sqlState: state))
            #expect(error.kind == kind, "\(state)")
            #expect(error.sqlState == state && error.binding == 3 && error.object == "table a.b" && error.task == "t")
        }
        #expect(scope.error(PostgresError(operation: "x", message: "m", isConnectionLost: true)).kind == .transient)
        let value = PostgresError(operation: "x", message: "invalid input: \"secret\"", sqlState: "22P02")
        #expect(!scope.error(value).description.contains("secret"))
    }
}
