import Connectors
import Foundation
import Postgres
import Runtime
import Testing

@testable import flowctl

/// The demo's proof, tried on Postgres' own logical replication: it must see equality where there is one, and every defect.
@Suite("the comparison of both ends under traffic")
struct ShopComparisonTests {
    @Test(
        "both ends are equal under traffic, and a changed, a missing and an extra row are each seen",
        .timeLimit(.minutes(10)))
    func comparison() throws {
        let source = try LocalServer("comparison-source")
        let destination = try LocalServer("comparison-destination")
        _ = try Shop.create(on: source)
        try destination.connect().execute("CREATE DATABASE warehouse")
        let there = try destination.connect(database: "warehouse")
        try there.execute(Shop.definition)
        try there.execute(
            """
            CREATE SUBSCRIPTION mirror
                CONNECTION 'host=127.0.0.1 port=\(source.port) user=postgres dbname=\(raw: Shop.database)'
                PUBLICATION flow_publication
            """)

        let stop = StopSignal()
        let writer = try source.connect(database: Shop.database)
        let threads = ThreadGroup(onFailure: { _ in stop.request() })
        threads.spawn("traffic") {
            var traffic = ShopTraffic(connection: writer, stop: stop, rate: 200)
            try traffic.run()
        }
        defer {
            stop.request()
            #expect(throws: Never.self) { try threads.join() }
        }
        while try there.query("SELECT FROM pg_catalog.pg_subscription_rel WHERE srsubstate <> 'r'").count > 0 {
            try #require(!stop.isRequested)
        }

        func compare() throws -> ShopComparison {
            let comparison = try ShopComparison.make(
                sources: (0..<ShopComparison.snapshots).map { _ in try source.connect(database: Shop.database) },
                destination: destination.connect(database: "warehouse"),
                destinationSchema: Shop.schema, within: 60, stop: stop)
            return try #require(comparison)
        }
        let whole = try compare()
        #expect(whole.isEqual)
        #expect(whole.transaction > 0)
        #expect(whole.tables.map(\.name) == Shop.tables.map(\.name))
        #expect(whole.tables.allSatisfy { $0.source.rows > 0 })

        try there.execute(
            """
            UPDATE shop.customers SET settings = settings || '{"theme": 99}' WHERE id = (SELECT max(id) FROM shop.customers);
            DELETE FROM shop.events WHERE id = (SELECT max(id) FROM shop.events WHERE body ? 'n');
            INSERT INTO shop.products (sku, title, price) VALUES ('extra', 'Nobody sells this', 1);
            """)
        let broken = try compare()
        #expect(broken.transaction > whole.transaction)
        #expect(broken.tables.filter { !$0.isEqual }.map(\.name) == ["customers", "products", "events"])
    }
}
