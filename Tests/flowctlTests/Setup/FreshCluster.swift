import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

/// A cluster that asks for passwords, with a shop and an empty warehouse, both the administrator's, and a catalog between them. It
/// looks like a platform's.
final class FreshCluster {
    static let secret = "xyzzy-plugh"
    let standIn: PlatformStandIn
    let server: LocalServer
    let program: Program
    /// As the administrator.
    let shop: Connection
    let warehouse: Connection

    init(_ platform: Platform = .selfHosted) throws {
        let standIn = PlatformStandIn.of(platform)
        let server = try LocalServer("setup", settings: standIn.settings, password: Self.secret)
        self.standIn = standIn
        self.server = server
        try standIn.prepare(server)
        func login(_ user: String, _ password: String, _ database: String) throws -> Connection {
            var parameters = server.parameters(database: database, user: user)
            parameters.password = password
            return try Connection(parameters)
        }
        let owner = try login(standIn.superuser, Self.secret, "postgres")
        try owner.execute("CREATE DATABASE shop OWNER \(id: standIn.admin)")
        try owner.execute("CREATE DATABASE warehouse OWNER \(id: standIn.admin)")
        let secret = platform == .selfHosted ? Self.secret : PlatformStandIn.adminPassword
        shop = try login(standIn.admin, secret, "shop")
        warehouse = try login(standIn.admin, secret, "warehouse")
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
        try program.write("flow.yaml", catalog())
    }

    deinit { program.remove() }

    var admin: String { standIn.admin }
    var adminPassword: String { standIn.platform == .selfHosted ? Self.secret : PlatformStandIn.adminPassword }

    func login(_ user: String, _ password: String, _ database: String = "postgres") -> ConnectionParameters {
        var parameters = server.parameters(database: database, user: user)
        parameters.password = password
        return parameters
    }

    func superuser(_ database: String = "postgres") throws -> Connection {
        try Connection(login(standIn.superuser, Self.secret, database))
    }

    /// `reader` logs in at the source, whose server is asked at `port`.
    func catalog(reader: String = "Flow Reader", port: Int? = nil) -> String {
        """
        captures:
          shop/source:
            endpoint:
              connector:
                image: source-postgres
                config:
                  address: "127.0.0.1:\(port ?? server.port)"
                  database: shop
                  user: \(reader)
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
        """
    }

    func run(_ arguments: String..., reader: String = "open-sesame") throws -> FlowctlProcess.Outcome {
        try run(arguments + ["flow.yaml"], reader: reader)
    }

    private func run(_ arguments: [String], reader: String = "open-sesame") throws -> FlowctlProcess.Outcome {
        let outcome = try FlowctlProcess.run(
            arguments, environment: ["READER_SECRET": reader, "WRITER_SECRET": "open-barley"],
            directory: program.folder, seconds: 120)
        for secret in [Self.secret, PlatformStandIn.adminPassword, "open-sesame", "open-barley"] {
            #expect(!(outcome.output + outcome.errors).contains(secret))
        }
        return outcome
    }

    func url(_ user: String, _ password: String) -> String { "postgres://\(user):\(password)@127.0.0.1" }

    /// As the catalog's users: a check without anything to mend or to take away, the tables copied, their changes followed, one read
    /// again by a signal, all with the watermarks, signal and heartbeat tables that the catalog asks for.
    func prove() throws {
        let check = try run("check")
        #expect(check.exitCode == 0, "\(check.output)")
        #expect(!check.output.contains("  excess  "), "\(check.output)")
        let copied = try run("apply", "--once")
        #expect(copied.exitCode == 0, "\(copied.errors)")
        let owner = try superuser("warehouse")
        for (table, rows) in [("\"Orders\"", "2"), ("guarded", "1"), ("heap", "2"), ("days", "1")] {
            #expect(try owner.query("SELECT count(*) FROM copies.\(raw: table)")[0, 0] == rows, "\(table)")
        }
        try shop.execute(
            """
            UPDATE "Sales"."Orders" SET total = 9.75 WHERE id = 2; INSERT INTO public.guarded VALUES (2);
            INSERT INTO public.heap VALUES (2, 'b'); UPDATE public.days SET id = 5, day = '2025-02-02'
            """)
        let signal = try run(["signal", "flow.yaml", "backfill", "--capture", "shop/source", "--table", "Sales.Orders"])
        #expect(signal.exitCode == 0, "\(signal.errors)")
        let followed = try run("apply", "--once")
        #expect(followed.exitCode == 0, "\(followed.errors)")
        let verified = try run("verify")
        #expect(verified.exitCode == 0 && verified.output.contains("3 of 3 tables equal"), "\(verified.output)")
        #expect(try owner.query("SELECT count(*) FROM copies.heap")[0, 0] == "3")
        let again = try run("check")
        #expect(again.exitCode == 0 && !again.output.contains("  excess  "), "\(again.output)")
    }
}
