import Connectors
import Glibc
import JSON
import Postgres

/// What a preview of a capture shows.
public struct PreviewRequest: Sendable {
    /// By captured table: the columns of its collection's key (nil for the table's own), the only columns that may be shown
    /// (nil for all), those that may not, and whether the rows that are there come first.
    public var keys: [[String]?]
    public var columns: [[String]?]
    public var blocked: [[String]]
    public var hasBackfill: [Bool]

    public init(keys: [[String]?], columns: [[String]?], blocked: [[String]], hasBackfill: [Bool]) {
        self.keys = keys
        self.columns = columns
        self.blocked = blocked
        self.hasBackfill = hasBackfill
    }
}

extension PostgresCapture {
    /// Hands over what the capture reads, as documents: the rows that are there, then each change, from one exact place on.
    ///
    /// Nothing is made but a temporary slot, which the server drops as the session ends, however that happens. Its snapshot is the
    /// state at the very place where its log begins: no row is shown twice, and none is missing. Ends when `emit`, which is given
    /// the table and the document, wants no more, or `stop` is requested. `note` hears what deserves a look.
    public func preview(
        _ request: PreviewRequest, stop: StopSignal, note: (String) -> Void, emit: (Int, JSONObject) -> Bool
    ) throws {
        try rethrowing("preview", "capture \"\(name)\"") {
            let side = try connect()
            defer { side.close() }
            let catalog = TableCatalog(connection: side, publication: config.publication)
            var sources = try findTables(catalog)
            let shapes = try sources.map { try catalog.shape(of: $0) }
            try SourceRights(connection: side, parameters: config.connection).requireReading(sources)
            let guarded = try RowSecurity.guarded(sources, side)
            try prepareWatch(&sources, side)
            let documents = RowDocument(
                values: DocumentValue(types: try TypeTable(side), binary: config.binaryHandling),
                keys: zip(request.keys, sources).map { $0 ?? $1.orderColumns }, columns: request.columns,
                blocked: request.blocked)
            for (source, shape) in zip(sources, shapes) where shape.index(of: "_meta") != nil {
                note("table \(source.name) has a column _meta: a document's own _meta hides it, here only")
            }
            let isPublished = try requirePublication(sources, side, note)
            let replication = isPublished ? try Connection(replicationConnectionTo: config.connection) : nil
            defer { replication?.close() }
            let slot = try replication.flatMap { try makeTemporarySlot(on: $0, side, stop, note) }
            guard !stop.isRequested else { return }

            let reader = try Connection(config.connection)
            defer { reader.close() }
            if !guarded.isEmpty { try reader.execute("SET row_security = on") }
            try reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if let slot { try reader.execute("SET TRANSACTION SNAPSHOT \(literal: slot.snapshot)") }
            for (source, shape) in zip(sources, shapes) where request.hasBackfill[source.index] {
                guard try showRows(of: source, shape, documents, reader, stop, emit) else { return }
            }
            try reader.execute("COMMIT")
            guard let slot, let replication, !stop.isRequested else { return }

            try replication.startReplication(
                slot: slot.name, at: LSN(slot.position.rawValue),
                options: [("proto_version", "1"), ("publication_names", Identifier(config.publication).quoted)])
            let stream = PreviewStream(
                replication: replication, side: side, sources: sources, shapes: shapes, documents: documents,
                from: slot.position)
            while !stop.isRequested {
                guard try stream.read(wait: 500, stop: stop, note: note, emit: emit) else { return }
            }
        }
    }

    /// What the reading of the log looks at as partitions come and go.
    private func prepareWatch(_ sources: inout [TableSource], _ connection: Connection) throws {
        let storage = try TableStorage.read(sources, connection)
        try StorageReading(connection: connection).fill(&sources)
        for index in sources.indices { sources[index].storage = storage[sources[index].oid] ?? TableStorage() }
    }

    /// Whether changes can be shown: only of what is published already, since a preview publishes nothing.
    private func requirePublication(
        _ sources: [TableSource], _ connection: Connection, _ note: (String) -> Void
    ) throws -> Bool {
        let publication = Identifier(config.publication)
        guard try PublicationReading(config.publication, connection) != nil else {
            note(
                "publication \(publication) is not there yet (flowctl apply makes it): only the rows that are there now are shown"
            )
            return false
        }
        let members = try TableCatalog(connection: connection).memberships(of: sources, in: config.publication)
        for source in sources where members[source.oid] == nil {
            note("table \(source.name) is not in publication \(publication) yet: its changes are not shown")
        }
        return !members.isEmpty
    }

    private func makeTemporarySlot(
        on replication: Connection, _ side: Connection, _ stop: StopSignal, _ note: (String) -> Void
    ) throws -> (name: String, snapshot: String, position: LogPosition)? {
        let name = "flow_preview_\(getpid())_\(UInt32.random(in: 0 ... .max))"
        var second = 0
        do {
            let made = try replication.query(
                "CREATE_REPLICATION_SLOT \(Identifier(name)) TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT"
            ) {
                second += 1
                if stop.isRequested { throw Stopped() }
                if second == 3 {
                    note("waiting for the source's open transactions to end, before which no log can begin")
                }
            }
            guard let position = made[0, 1].flatMap({ LogPosition($0) }), let snapshot = made[0, 2] else {
                throw RunError(
                    .internal, operation: "create", object: "a temporary slot",
                    message: "the server's answer was not understood")
            }
            return (name, snapshot, position)
        } catch is Stopped {
            return nil
        }
    }

    private struct Stopped: Error {}

    /// A run of rows at a time; whether more is wanted.
    private func showRows(
        of source: TableSource, _ shape: TableShape, _ documents: RowDocument, _ reader: Connection, _ stop: StopSignal,
        _ emit: (Int, JSONObject) -> Bool
    ) throws -> Bool {
        let list = shape.columns.map { Identifier($0.name).quoted }.joined(separator: ", ")
        let filter = backfillCondition(of: tables[source.index]).map { " WHERE (\n\($0)\n)" } ?? ""
        try reader.execute(
            "DECLARE flow_preview NO SCROLL CURSOR FOR SELECT \(raw: list) FROM \(source.rows)\(raw: filter)")
        var number = 0
        while !stop.isRequested {
            let rows = try reader.query("FETCH 200 FROM flow_preview")
            if rows.count == 0 { break }
            for row in 0..<rows.count {
                let batch = ChangeBatch()
                for column in shape.columns.indices {
                    guard let value = rows.bytes(row, column) else {
                        batch.appendNull()
                        continue
                    }
                    if let start = value.baseAddress, value.count > 0 {
                        batch.appendValue(start.assumingMemoryBound(to: UInt8.self), count: value.count)
                    } else {
                        batch.appendEmpty()
                    }
                }
                guard emit(source.index, documents.ofBackfill(0, row: number, shape, batch)) else { return false }
                number += 1
            }
        }
        try reader.execute("CLOSE flow_preview")
        return !stop.isRequested
    }
}
