import Connectors
import Postgres

/// Stores what is parked of a link's tables, a piece in one transaction.
///
/// Invariant: a piece is whole commits of the link, from the oldest that waits on; its rows are in their tables if and only if
/// they are out of the park. While the piece is open all of the link's parks are locked, so that no commit of the link's
/// runner can add to them; a park of which nothing is left goes with the piece, and whatever the runner commits of the
/// table then, it has to store itself.
final class PostgresParkSession: ParkSession {
    /// Bytes of a piece: as much as a link stores at once. One commit of the link is never cut.
    static let pieceBytes = 12 << 20
    /// Rows of the park read at once.
    private static let page = 8

    private let config: PostgresMaterialization.Config
    private let session: RowSession
    private let tables: TableRegister
    private let statements: LinkStatements
    private let parkStatements: ParkStatements
    private let limit: Int
    /// By park: its binding, and the shape of the rows that come next.
    private var parks: [Int64: (binding: Int, shape: TableShape?)] = [:]
    /// The last row of the park that was dealt with, and of the piece.
    private var reached: Int64 = 0
    private var end: Int64 = 0
    private var rows: Rows?
    private var row = 0

    private var link: LinkSpec { statements.link }

    init(
        _ config: PostgresMaterialization.Config, _ session: RowSession, _ tables: TableRegister,
        _ statements: LinkStatements, limit: Int = PostgresParkSession.pieceBytes
    ) {
        self.config = config
        self.session = session
        self.tables = tables
        self.statements = statements
        self.limit = limit
        parkStatements = ParkStatements(metadata: statements.metadata, link: statements.link)
    }

    private var scope: ErrorScope {
        var scope = ErrorScope(
            operation: "drain", object: "the link from \(link.capture)", task: link.materialization)
        scope.isOfRows = false
        return scope
    }

    // MARK: - The piece

    func begin(_ bindings: Set<Int>) throws -> Set<Int> {
        try session.begin()
        try session.drain()
        let connection = session.connection
        return try scope.rethrowing {
            let found = try parkStatements.locked(connection)
            guard found.count > 0 else { return [] }
            let records = try BindingRecord.read(
                link.materialization, link.capture, statements.metadata, connection)
            for row in 0..<found.count {
                let schema = found[row, ParkStatements.Column.schema] ?? ""
                let name = found[row, ParkStatements.Column.table] ?? ""
                let binding = bindings.first {
                    link.bindings[$0].schema.isSameName(as: schema) && link.bindings[$0].name.isSameName(as: name)
                }
                let record = records.first { $0.schema.isSameName(as: schema) && $0.table.isSameName(as: name) }
                guard let binding, let record, let park = found[row, ParkStatements.Column.park].flatMap({ Int64($0) })
                else { continue }
                tables[binding] = try table(binding, record)
                let spec = link.bindings[binding]
                parks[park] = (
                    binding,
                    found[row, ParkStatements.Column.shape].flatMap { ParkedShape.shape($0, table: spec.table) }
                )
            }
            try findEnd(connection)
            return Set(parks.values.map(\.binding))
        }
    }

    private func table(_ binding: Int, _ record: BindingRecord) throws -> BoundTable {
        let spec = link.bindings[binding]
        let scope = ErrorScope("drain", spec, task: link.materialization)
        guard record.state.phase == .streaming else {
            throw scope.error(
                .needsOperator, "the link goes on without it (its phase is \(record.state.phase.rawValue))",
                hint: "have it read again: \(spec.readingAgain(in: link))")
        }
        guard
            let shape = ShapeRecord(
                record.shape, table: spec.table, namespace: record.sourceSchema, name: record.sourceTable),
            case .table(let found) = try scope.rethrowing({
                try TableInspection(connection: session.connection).find(QualifiedName(spec.schema, spec.name))
            })
        else {
            throw scope.error(
                .needsOperator, "the destination table is gone",
                hint: "have it read again: \(spec.readingAgain(in: link))")
        }
        var layout = BoundTable.Layout(shape: shape.shape, table: found)
        layout.retired = shape.retired
        layout.highest = shape.highest
        return BoundTable(
            number: binding, binding: spec, task: link.materialization, layout: layout,
            hasKey: spec.mode == .insert || found.hasUniqueKey(spec.key))
    }

    private var parkList: String { "{" + parks.keys.sorted().map { String($0) }.joined(separator: ",") + "}" }

    /// The piece ends with the commit in which its bytes come to the limit.
    private func findEnd(_ connection: Connection) throws {
        let parked = statements.metadata.parkedChanges
        let rows = try connection.query(
            """
            WITH sized AS (
              SELECT id, transaction, sum(bytes) OVER (ORDER BY id) - bytes AS before
                FROM \(parked) WHERE park = ANY ($1::bigint[]))
            SELECT max(id) FROM \(parked)
             WHERE park = ANY ($1::bigint[])
               AND transaction = (SELECT transaction FROM sized WHERE before < $2::bigint ORDER BY id DESC LIMIT 1)
            """, [parkList, String(limit)])
        end = rows[0, 0].flatMap { Int64($0) } ?? 0
    }

    func next() throws -> ParkedEntry? {
        while let (park, kind, isLast) = try advance() {
            guard let (binding, shape) = parks[park] else { continue }
            let scope = ErrorScope("drain", link.bindings[binding], task: link.materialization)
            switch kind {
            case .shape: parks[park]?.shape = try self.shape(binding, scope)
            case .evolve: return ParkedEntry(binding: binding, kind: .evolve(try self.shape(binding, scope)))
            case .truncate: return ParkedEntry(binding: binding, kind: .truncate)
            case .set: return ParkedEntry(binding: binding, kind: try changes(shape, isLast: isLast, scope))
            case .log:
                let batch = ChangeBatch()
                var reader = try self.reader(shape, batch, scope)
                return ParkedEntry(binding: binding, kind: .log(try reader.log(), try known(shape, scope), batch))
            }
        }
        return nil
    }

    /// All of a set, which can be several rows of the park.
    private func changes(_ shape: TableShape?, isLast: Bool, _ scope: ErrorScope) throws -> ParkedEntry.Kind {
        let batch = ChangeBatch()
        var isComplete = isLast
        var reader = try self.reader(shape, batch, scope)
        var changes = try reader.changes()
        while !isComplete {
            guard let (_, kind, isLast) = try advance(), kind == .set else {
                throw scope.error(.internal, "a set of the park has no end")
            }
            reader = try self.reader(shape, batch, scope)
            changes.append(contentsOf: try reader.changes())
            isComplete = isLast
        }
        return .changes(changes, try known(shape, scope), batch)
    }

    private func known(_ shape: TableShape?, _ scope: ErrorScope) throws -> TableShape {
        guard let shape else { throw scope.error(.internal, "the park doesn't say what its rows look like") }
        return shape
    }

    private func reader(_ shape: TableShape?, _ batch: ChangeBatch, _ scope: ErrorScope) throws -> ParkedRowReader {
        guard let hex = rows?.bytes(row, 4) else { throw scope.error(.internal, "a row of the park is gone") }
        return try ParkedRowReader(
            hex: hex, columns: try known(shape, scope).columns.count, batch: batch, scope: scope)
    }

    private func shape(_ binding: Int, _ scope: ErrorScope) throws -> TableShape {
        guard let text = rows?[row, 5], let shape = ParkedShape.shape(text, table: link.bindings[binding].table) else {
            throw scope.error(.internal, "the park's record of the source's columns can't be read")
        }
        return shape
    }

    /// Goes to the next row of the piece; nil after the last.
    private func advance() throws -> (park: Int64, kind: ParkedKind, isLast: Bool)? {
        row += 1
        if rows.map({ row >= $0.count }) ?? true {
            guard reached < end else { return nil }
            try session.drain()
            let parked = statements.metadata.parkedChanges
            let found = try scope.rethrowing {
                try session.connection.query(
                    """
                    SELECT id, park, kind, is_last, payload,
                           CASE WHEN kind IN ('shape', 'evolve') THEN convert_from(payload, 'UTF8') END
                      FROM \(parked) WHERE park = ANY ($1::bigint[]) AND id > $2::bigint AND id <= $3::bigint
                     ORDER BY id LIMIT \(raw: String(PostgresParkSession.page))
                    """, [parkList, String(reached), String(end)])
            }
            guard found.count > 0 else { return nil }
            rows = found
            row = 0
        }
        guard let rows, let id = rows[row, 0].flatMap({ Int64($0) }), let park = rows[row, 1].flatMap({ Int64($0) }),
            let kind = rows[row, 2].flatMap({ ParkedKind(rawValue: $0) })
        else { throw scope.error(.internal, "a row of the park can't be read") }
        reached = id
        return (park, kind, rows[row, 3] == "t")
    }

    func finish() throws -> [Int: DrainedPart] {
        try session.drain()
        let connection = session.connection
        let (parksTable, parked) = (statements.metadata.parks, statements.metadata.parkedChanges)
        var drained: [Int: DrainedPart] = [:]
        try scope.rethrowing {
            let gone = try connection.query(
                """
                WITH gone AS (
                  DELETE FROM \(parked) WHERE park = ANY ($1::bigint[]) AND id <= $2::bigint RETURNING park, changes, bytes)
                SELECT park, sum(changes), sum(bytes) FROM gone GROUP BY park
                """, [parkList, String(end)])
            for row in 0..<gone.count {
                guard let park = gone[row, 0].flatMap({ Int64($0) }), let known = parks[park] else { continue }
                drained[known.binding] = DrainedPart(changes: gone[row, 1].flatMap { Int64($0) } ?? 0, isAll: false)
                _ = try connection.query(
                    """
                    UPDATE \(parksTable) SET changes = changes - $2::bigint, bytes = bytes - $3::bigint, shape = $4
                     WHERE park = $1::bigint
                    """, [String(park), gone[row, 1], gone[row, 2], known.shape.map(ParkedShape.text)])
            }
            let emptied = try connection.query(
                """
                DELETE FROM \(parksTable) p WHERE park = ANY ($1::bigint[])
                   AND NOT EXISTS (SELECT FROM \(parked) c WHERE c.park = p.park) RETURNING park
                """, [parkList])
            for row in 0..<emptied.count {
                guard let known = emptied[row, 0].flatMap({ Int64($0) }).flatMap({ parks[$0] }) else { continue }
                drained[known.binding, default: DrainedPart(changes: 0, isAll: true)].isAll = true
            }
        }
        do {
            try session.commit(scope)
        } catch let error as RunError where error.rowFault != nil && error.binding == nil {
            session.rollback()
            throw DeferredFault(link: link, parked: []).attributed(error, session.connection)
        }
        return drained
    }

    func close() {
        session.connection.close()
    }

    // MARK: - Rows

    func store(_ changes: ContiguousArray<NetChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        try session.store(changes, try tables.attached(binding), shape: shape, rows: rows)
        try session.flush()
    }

    func store(_ parts: [StoredPart], rows: RowPool) throws {
        for part in tables.order.parts(parts) { try store(part, rows: rows) }
    }

    func append(_ changes: ContiguousArray<LoggedChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        try session.append(changes, try tables.attached(binding), shape: shape, rows: rows)
        try session.flush()
    }

    func truncate(_ bindings: [Int]) throws {
        try session.truncate(try bindings.map { try tables.attached($0) })
    }

    func evolve(_ binding: Int, to shape: TableShape) throws -> [String] {
        let table = try tables.attached(binding)
        return try session.evolve(table, to: shape.stored(by: table.binding), config, statements)
    }
}
