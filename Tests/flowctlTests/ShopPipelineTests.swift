import Connectors
import Dispatch
import JSON
import MaterializePostgres
import Postgres
import Runtime
import SourcePostgres
import Testing

@testable import flowctl

/// The whole path of a row, from one real server to another, over the shop's tables: every common type, composite keys,
/// keys that move, cascades, values stored out of line.
@Suite("the shop's pipeline")
struct ShopPipelineTests {
    @Test(
        "tables copied under traffic are equal at both ends, and stay so after the runner starts anew",
        .timeLimit(.minutes(10)))
    func backfillAndStream() throws {
        let source = try LocalServer("pipeline-source")
        let destination = try LocalServer("pipeline-destination")
        _ = try Shop.create(on: source)
        try destination.connect().execute("CREATE DATABASE warehouse")

        let trafficStop = StopSignal()
        let writer = try source.connect(database: Shop.database)
        let traffic = ThreadGroup(onFailure: { _ in trafficStop.request() })
        traffic.spawn("traffic") {
            var traffic = ShopTraffic(connection: writer, stop: trafficStop, rate: 200)
            try traffic.run()
        }
        defer {
            trafficStop.request()
            #expect(throws: Never.self) { try traffic.join() }
        }
        for _ in 1...2 {
            let stop = StopSignal()
            let observer = Observer()
            let runner = try runner(from: source, to: destination, observer, stop)
            let threads = ThreadGroup(onFailure: { _ in stop.request() })
            threads.spawn("runner") { _ = try runner.run() }
            #expect(observer.waitUntilCaughtUp(120))
            let comparison = try ShopComparison.make(
                sources: (0..<ShopComparison.snapshots).map { _ in try source.connect(database: Shop.database) },
                destination: destination.connect(database: "warehouse"),
                destinationSchema: Shop.schema, within: 180, stop: stop)
            stop.request()
            try threads.join()
            let tables = try #require(comparison).tables
            for table in tables { #expect(table.isEqual, "\(table)") }
            #expect(tables.allSatisfy { $0.source.rows > 0 })
        }
    }

    private func runner(
        from source: LocalServer, to destination: LocalServer, _ observer: Observer, _ stop: StopSignal
    ) throws -> CaptureRunner {
        func config(_ server: LocalServer, _ database: String) -> JSONValue {
            [
                "address": .string("127.0.0.1:\(server.port)"), "database": .string(database), "user": "postgres",
                "schema": .string(Shop.schema),
            ]
        }
        let capture = PostgresCapture(
            name: "demo/shop", config: try PostgresCaptureConfig(config(source, Shop.database)),
            tables: Shop.tables.map { CapturedTable(namespace: Shop.schema, stream: $0.name) })
        let bindings = Shop.tables.enumerated().map { index, table in
            LinkBinding(
                table: index, index: index, collection: "demo/\(table.name)", schema: Shop.schema, name: table.name,
                key: table.key)
        }
        let materialization = PostgresMaterialization(
            name: "demo/warehouse", config: try PostgresMaterialization.Config(config(destination, "warehouse")))
        return CaptureRunner(
            capture: capture,
            links: [
                CaptureRunner.LinkPlan(
                    spec: LinkSpec(capture: "demo/shop", materialization: "demo/warehouse", bindings: bindings),
                    materialization: materialization)
            ], observer: observer, stop: stop, once: false)
    }
}

/// Waits for the event that says that the backfills are done.
private final class Observer: RunObserver {
    private let caughtUp = DispatchSemaphore(value: 0)

    func waitUntilCaughtUp(_ seconds: Int) -> Bool { caughtUp.wait(timeout: .now() + .seconds(seconds)) == .success }

    func record(_ event: RunEvent) {
        if event.kind == .caughtUp { caughtUp.signal() }
    }

    func committed(task: String, binding: String, changes: Int, position: LogPosition, time: Int64) {}
}
