import Connectors
import Postgres

/// Looks at both ends while the pipeline runs.
struct DemoWatch {
    let sourceParameters: ConnectionParameters
    let destinationParameters: ConnectionParameters
    private let source: Connection
    private let destination: Connection
    private let stop: StopSignal

    init(source: LocalServer, destination: LocalServer, stop: StopSignal) throws {
        sourceParameters = source.parameters(database: Shop.database)
        destinationParameters = destination.parameters(database: "warehouse")
        self.source = try Connection(sourceParameters)
        self.destination = try Connection(destinationParameters)
        self.stop = stop
    }

    /// How many of the traffic's transactions the destination is behind, as a phrase.
    func lag() throws -> String {
        let query: SQL = "SELECT transactions FROM \(QualifiedName(Shop.schema, Shop.pulse))"
        // The destination first: it can't be ahead of what the source shows after that.
        let there = try destination.query(query)[0, 0].flatMap { Int($0) } ?? 0
        let here = try source.query(query)[0, 0].flatMap { Int($0) } ?? 0
        return "\(DemoScreen.grouped(here)) transactions at the source, the destination is \(here - there) behind"
    }

    /// Nil where it was asked to stop meanwhile.
    func compare() throws -> ShopComparison? {
        let sources = try (0..<ShopComparison.snapshots).map { _ in try Connection(sourceParameters) }
        defer { for source in sources { source.close() } }
        return try ShopComparison.make(
            sources: sources, destination: destination, destinationSchema: Shop.schema, within: 60, stop: stop)
    }
}
