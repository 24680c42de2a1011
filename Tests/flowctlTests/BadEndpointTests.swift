import Foundation
import Postgres
import TestSupport
import Testing

/// What a catalog that is valid by itself, and wrong about its servers, comes to: one message, with the place in the catalog
/// and what to do; the right exit code; nothing made anywhere; no password shown.
@Suite("endpoints that refuse")
struct BadEndpointTests {
    private static func makeServer() throws -> LocalServer {
        let server = try LocalServer("guarded", password: "keep-out")
        let connection = try server.connect()
        try connection.execute(
            """
            CREATE ROLE reader LOGIN REPLICATION PASSWORD 'r1ght-one'; CREATE ROLE plain LOGIN PASSWORD 'r1ght-one';
            CREATE ROLE blind LOGIN REPLICATION PASSWORD 'r1ght-one';
            CREATE ROLE writer LOGIN PASSWORD 'r1ght-one'; CREATE ROLE follower LOGIN REPLICATION PASSWORD 'r1ght-one';
            """)
        try connection.execute("CREATE DATABASE shop OWNER reader")
        try connection.execute("CREATE DATABASE warehouse OWNER writer")
        let shop = try server.connect(database: "shop")
        try shop.execute(
            """
            CREATE VIEW public.seen AS SELECT 1 AS id; CREATE UNLOGGED TABLE public.passing (id int PRIMARY KEY);
            CREATE TABLE public.keyless (id int);
            CREATE TABLE public.orders (id int PRIMARY KEY); ALTER TABLE public.orders OWNER TO reader;
            REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO blind, plain, reader, follower;
            GRANT SELECT ON TABLE public.orders TO follower; GRANT CREATE ON DATABASE shop TO follower
            """)
        try server.connect(database: "warehouse").execute("GRANT ALL ON SCHEMA public TO writer")
        try connection.execute("CREATE DATABASE depot OWNER writer")
        try server.connect(database: "depot").execute(
            """
            GRANT ALL ON SCHEMA public TO writer; CREATE TABLE public.orders (id int PRIMARY KEY);
            GRANT SELECT, INSERT, TRUNCATE ON public.orders TO writer
            """)
        return server
    }

    struct Case {
        var what: String
        var source = ["user: reader", "password: r1ght-one", "database: shop"]
        var destination = ["user: writer", "password: r1ght-one", "database: warehouse"]
        var stream = "orders"
        var sourcePort: Int?
        var destinationPort: Int?
        /// Line of the catalog that the message must name.
        var line: Int
        /// What the message must hold.
        var words: [String]
    }

    static let cases = [
        Case(
            what: "nobody answers at the source's address", sourcePort: 1, line: 4,
            words: ["check the address"]),
        Case(
            what: "nobody answers at the destination's address", destinationPort: 1, line: 8,
            words: ["check the address"]),
        Case(
            what: "the source's password is wrong",
            source: ["user: reader", "password: wr0ng-one", "database: shop"],
            line: 4, words: ["password authentication failed", "28P01", "check the user, the password"]),
        Case(
            what: "the destination's password is wrong",
            destination: ["user: writer", "password: wr0ng-one", "database: warehouse"], line: 8,
            words: ["password authentication failed", "check the user, the password"]),
        Case(
            what: "the source has no such database",
            source: ["user: reader", "password: r1ght-one", "database: Shop"], line: 4,
            words: ["\"Shop\" does not exist", "check the database's name"]),
        Case(
            what: "the destination has no such database",
            destination: ["user: writer", "password: r1ght-one", "database: Warehouse"], line: 8,
            words: ["\"Warehouse\" does not exist", "check the database's name"]),
        Case(
            what: "the source's user may not replicate",
            source: ["user: plain", "password: r1ght-one", "database: shop"], line: 4,
            words: ["ALTER ROLE \"plain\" REPLICATION"]),
        Case(
            what: "the source's user may not read the table",
            source: ["user: blind", "password: r1ght-one", "database: shop"], line: 5,
            words: ["GRANT SELECT ON TABLE \"public\".\"orders\" TO blind"]),
        Case(
            what: "the source's user may not publish the table",
            source: ["user: follower", "password: r1ght-one", "database: shop"], line: 4,
            words: ["must be owner of table orders", "CREATE PUBLICATION \"flow_publication\" FOR TABLE"]),
        Case(
            what: "there is no such table", stream: "Orders", line: 5,
            words: ["\"public\".\"Orders\"", "case is significant"]),
        Case(
            what: "what is named is a view", stream: "seen", line: 5,
            words: ["\"public\".\"seen\"", "it is a view", "capture the tables"]),
        Case(
            what: "the table is unlogged", stream: "passing", line: 5,
            words: ["it is unlogged", "ALTER TABLE \"public\".\"passing\" SET LOGGED"]),
        Case(
            what: "the table has no key", stream: "keyless", line: 5,
            words: ["no replica identity", "ALTER TABLE \"public\".\"keyless\" REPLICA IDENTITY FULL"]),
        Case(
            what: "the destination's user may not make anything",
            destination: ["user: plain", "password: r1ght-one", "database: warehouse"], line: 8,
            words: [
                "permission denied for database warehouse", "42501",
                "GRANT CREATE ON DATABASE \"warehouse\" TO the destination's user",
            ]),
        Case(
            what: "the destination's user may not change the rows of a table that is there",
            destination: ["user: writer", "password: r1ght-one", "database: depot"], line: 9,
            words: [
                "table public.orders", "lacks UPDATE, DELETE on it",
                "GRANT UPDATE, DELETE ON \"public\".\"orders\" TO writer;",
            ]),
    ]

    @Test(
        "the message says where and what to do, the exit code is 69, and nothing was made", .timeLimit(.minutes(10)))
    func refusals() throws {
        let server = try BadEndpointTests.makeServer()
        for refused in BadEndpointTests.cases { try refusal(refused, server) }
        server.remove()
    }

    private func refusal(_ refused: Case, _ server: LocalServer) throws {
        let catalog = TestFolder.place("refused.yaml")
        defer { try? FileManager.default.removeItem(at: catalog) }
        func endpoint(_ kind: String, _ other: Int?, _ config: [String]) -> String {
            "endpoint: { connector: { image: \(kind)-postgres:dev, config: { "
                + "address: \"127.0.0.1:\(other ?? server.port)\", \(config.joined(separator: ", ")) } } }"
        }
        try """
        collections: { shop/orders: { key: [/id] } }
        captures:
          shop/source:
            \(endpoint("source", refused.sourcePort, refused.source))
            bindings: [ { resource: { namespace: public, stream: \(refused.stream) }, target: shop/orders } ]
        materializations:
          shop/destination:
            \(endpoint("materialize", refused.destinationPort, refused.destination))
            bindings: [ { source: shop/orders, resource: { table: orders } } ]
        """.write(to: catalog, atomically: true, encoding: .utf8)
        for arguments in [["apply", "--once"], ["apply", "--once", "-o", "json"], ["apply", "--provision-only"]] {
            let outcome = try FlowctlProcess.run(arguments + [catalog.path])
            let shown = outcome.output + outcome.errors
            #expect(outcome.exitCode == 69, "\(refused.what), \(arguments): \(shown)")
            #expect(shown.contains("\(catalog.lastPathComponent):\(refused.line):"), "\(shown)")
            for word in refused.words { #expect(outcome.errors.contains(word), "\(word) in \(shown)") }
            #expect(!shown.contains("wr0ng-one") && !shown.contains("r1ght-one"))
            let messages = outcome.errors.components(separatedBy: "\n").filter {
                $0.contains("error  ") || $0.hasPrefix("flowctl: ")
            }
            #expect(messages.count == 1, "\(outcome.errors)")
            #expect(!shown.contains("retry"), "\(shown)")
        }
        let made = try server.connect(database: "shop").query(
            "SELECT (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_replication_slots)")
        #expect(made[0, 0] == "0" && made[0, 1] == "0")
        let tables = try server.connect(database: "warehouse").query(
            """
            SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('flow', 'public')
            """)
        #expect(tables[0, 0] == "0")
        let depot = try server.connect(database: "depot").query(
            """
            SELECT (SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace),
                   to_regnamespace('flow')
            """)
        #expect(depot[0, 0] == "orders" && depot[0, 1] == nil)
    }
}
