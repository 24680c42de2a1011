import Connectors
import Postgres

/// What a link's transactor does for tables that are parked: keeps their changes beside them, in the transaction and the
/// order in which it would have stored them.
///
/// Invariant: a change of a parked table is in the park if and only if the commit that it belongs to is, and after every
/// change that was committed before. The transaction that parks anything locks the link's parks first, and fails where one
/// of them is gone since the tables were attached: the table was drained up to the last commit, and its next change is for
/// the stream to store, after the link was opened anew.
final class Parking {
    /// Bytes of one row of the park.
    private static let pieceBytes = 1 << 20

    private let statements: ParkStatements
    private let session: RowSession
    /// By binding: its park.
    private var parks: [Int: Int64] = [:]
    private(set) var standing: [Int: ParkedTable] = [:]
    /// Parks of the link as the tables were attached, of tables too that it goes on without.
    private var count = 0
    private var isLocked = false
    /// By binding: the shape that the park was told last.
    private var shapes: [Int: TableShape] = [:]

    init(_ metadata: MetadataSchema, _ link: LinkSpec, _ session: RowSession) {
        statements = ParkStatements(metadata: metadata, link: link)
        self.session = session
    }

    private var link: LinkSpec { statements.link }

    // MARK: - Which tables

    /// Locks the link's parks until the open transaction ends, and reads them. Whether there is one.
    func begin(_ connection: Connection) throws -> Bool {
        let rows = try statements.locked(connection)
        count = rows.count
        parks.removeAll()
        standing.removeAll()
        guard count > 0 else { return false }
        let known = try ParkRecord.read(link.materialization, link.capture, statements.metadata, connection)
        for row in 0..<rows.count {
            let schema = rows[row, ParkStatements.Column.schema] ?? ""
            let table = rows[row, ParkStatements.Column.table] ?? ""
            let binding = link.bindings.firstIndex { $0.schema.isSameName(as: schema) && $0.name.isSameName(as: table) }
            guard let binding, let park = rows[row, ParkStatements.Column.park].flatMap({ Int64($0) }) else { continue }
            parks[binding] = park
            standing[binding] =
                known.first { $0.schema.isSameName(as: schema) && $0.table.isSameName(as: table) }?.standing
        }
        return true
    }

    /// The table is read from its beginning: what is parked of it is of no use. Where its rows stay (`isMissed`), an
    /// append-only table would miss it.
    func forget(_ binding: Int, isMissed: Bool, _ connection: Connection) throws {
        guard parks[binding] != nil else { return }
        let spec = link.bindings[binding]
        let scope = ErrorScope("attach", spec, task: link.materialization)
        if spec.mode == .insert, isMissed {
            throw scope.error(
                .needsOperator, "it is parked, and reading it again would lose the changes that wait",
                hint: "drain it first: flowctl retry FILE --table \(spec.schema).\(spec.name)")
        }
        try scope.rethrowing { try statements.drop(spec, connection) }
        parks[binding] = nil
        standing[binding] = nil
        count -= 1
    }

    /// The table waits, and what the log lacks of it can only be read: nothing that comes to the park helps any more. The link's
    /// others go on without it (`onRowError`); its park stays until it is read again.
    func unmendable(_ spec: LinkBinding, _ gap: LogGap) -> RunError {
        let isAlone = link.bindings.count < 2 || spec.onRowError != .quarantine
        var error = ErrorScope("attach", spec, task: link.materialization).error(
            .needsOperator, "it is parked, and can't be mended meanwhile: \(gap.reason)",
            hint: isAlone
                ? "drain it first: flowctl retry FILE --table \(spec.schema).\(spec.name)"
                : "mend what had its row refused; then \(spec.readingAgain(in: link)), and what waits in the park goes")
        if !isAlone { error.rowFault = RowFault() }
        return error
    }

    func holds(_ binding: Int) -> Bool { parks[binding] != nil }

    var bindings: Set<Int> { Set(parks.keys) }

    // MARK: - What waits

    func store(_ changes: ContiguousArray<NetChange>, _ table: BoundTable, shape: TableShape, rows: RowPool) throws {
        guard !changes.isEmpty else { return }
        try tell(shape, of: table)
        var piece = ParkedRows()
        for (index, change) in changes.enumerated() {
            piece.append(change, columns: shape.columns.count, rows: rows)
            let isLast = index == changes.count - 1
            guard isLast || piece.bytes.count >= Parking.pieceBytes else { continue }
            try put(.set, piece, of: table, isLast: isLast)
            piece = ParkedRows()
        }
    }

    func append(_ changes: ContiguousArray<LoggedChange>, _ table: BoundTable, shape: TableShape, rows: RowPool) throws
    {
        guard !changes.isEmpty else { return }
        try tell(shape, of: table)
        var piece = ParkedRows()
        for (index, change) in changes.enumerated() {
            piece.append(change, columns: shape.columns.count, rows: rows)
            guard index == changes.count - 1 || piece.bytes.count >= Parking.pieceBytes else { continue }
            try put(.log, piece, of: table, isLast: true)
            piece = ParkedRows()
        }
    }

    func truncate(_ table: BoundTable) throws {
        try put(.truncate, "", changes: 1, of: table)
    }

    func evolve(_ table: BoundTable, to shape: TableShape) throws {
        try put(.evolve, ParkedShape.text(shape), changes: 0, of: table)
    }

    /// The open transaction has ended; `isLost`: without a commit.
    func ended(isLost: Bool = false) {
        isLocked = false
        if isLost { shapes.removeAll() }
    }

    /// Rows are told apart by the shape that was told before them.
    private func tell(_ shape: TableShape, of table: BoundTable) throws {
        guard shapes[table.number] !== shape else { return }
        try put(.shape, ParkedShape.text(shape), changes: 0, of: table)
        shapes[table.number] = shape
    }

    private func put(_ kind: ParkedKind, _ text: String, changes: Int, of table: BoundTable) throws {
        let payload = ContiguousArray("\\x".utf8) + text.utf8.flatMap(Parking.hex)
        try put(kind, payload, changes: changes, bytes: text.utf8.count, of: table, isLast: true)
    }

    private func put(_ kind: ParkedKind, _ rows: ParkedRows, of table: BoundTable, isLast: Bool) throws {
        try put(kind, rows.hex, changes: rows.count, bytes: rows.bytes.count, of: table, isLast: isLast)
    }

    private static func hex(_ byte: UInt8) -> [UInt8] {
        [byte >> 4, byte & 15].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") + $0 - 10 }
    }

    private func put(
        _ kind: ParkedKind, _ payload: ContiguousArray<UInt8>, changes: Int, bytes: Int, of table: BoundTable,
        isLast: Bool
    ) throws {
        guard let park = parks[table.number] else { return }
        var scope = table.scope("park changes of")
        // What the park itself runs into is no fault of a row.
        scope.isOfRows = false
        try lock(scope)
        let parameters = session.parameters
        parameters.removeAll()
        parameters.append(String(park))
        parameters.append(kind.rawValue)
        parameters.append(isLast ? "true" : "false")
        parameters.append(String(changes))
        parameters.append(String(bytes))
        payload.withUnsafeBufferPointer { parameters.append($0) }
        try session.execute("park", scope) { statements.append }
        try session.send(statements.count(park, changes: changes, bytes: bytes), scope)
    }

    private func lock(_ scope: ErrorScope) throws {
        try session.begin()
        guard !isLocked else { return }
        let link = link
        try session.send(statements.lock(count: count), scope, fault: { Parking.drained(link, scope) })
        isLocked = true
    }

    private static func drained(_ link: LinkSpec, _ scope: ErrorScope) -> RunError {
        var error = RunError(
            .transient, operation: "park changes of", object: "the link from \(link.capture)",
            message: "a table that was parked has been drained: it takes its changes again", task: scope.task)
        error.isDrained = true
        return error
    }
}

/// What a row of the park is, by its column `kind`.
enum ParkedKind: String {
    /// The shape of the rows that follow.
    case shape
    /// Net changes; those up to `is_last` are one set.
    case set
    /// Changes of a delta table.
    case log
    case truncate
    /// The shape that the table is to have from here on.
    case evolve
}
