import Connectors
import Postgres

/// Looks whether the signal table's rows come by the publication: without it signals would never arrive, and nobody would
/// hear of it.
struct SignalTableWatch {
    let table: QualifiedName
    let publication: String
    private var isKnown = false

    init(table: QualifiedName, publication: String) {
        self.table = table
        self.publication = publication
    }

    /// What is wrong, once until it is right again.
    mutating func look(_ connection: Connection) throws -> StatusFinding? {
        let isMissing = try !PublicationReading.isPublished(table, in: publication, connection)
        defer { isKnown = isMissing }
        guard isMissing, !isKnown else { return nil }
        return StatusFinding(
            isFatal: false,
            message: "signal table \(table) is not in publication \(Identifier(publication)): no signal arrives",
            hint: "ALTER PUBLICATION \(Identifier(publication)) ADD TABLE \(table);")
    }
}
