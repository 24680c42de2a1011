import Connectors
import Postgres
import Synchronization

@testable import MaterializePostgres

/// A database of its own on a server that all tests of this room share.
struct Destination {
    let parameters: ConnectionParameters
    /// A session of the test's own, to look and to meddle with.
    let eye: Connection

    // Started once, before any test uses it, and only asked for its port afterwards.
    nonisolated(unsafe) private static let server = Result { try LocalServer("materialize") }
    private static let count = Mutex(0)

    init() throws {
        let server = try Destination.server.get()
        let number = Destination.count.withLock { count in
            count += 1
            return count
        }
        let admin = try Connection(server.parameters())
        defer { admin.close() }
        try admin.execute("CREATE DATABASE \(id: "destination\(number)")")
        parameters = server.parameters(database: "destination\(number)")
        eye = try Connection(parameters)
    }

    func config(_ change: (inout PostgresMaterialization.Config) -> Void = { _ in }) -> PostgresMaterialization.Config {
        var config = PostgresMaterialization.Config(connection: parameters)
        change(&config)
        return config
    }

    func materialization(
        avoidsMerge: Bool = false, _ change: (inout PostgresMaterialization.Config) -> Void = { _ in }
    ) -> PostgresMaterialization {
        PostgresMaterialization(name: "acme/warehouse", config: config(change), avoidsMerge: avoidsMerge)
    }

    /// The rows of a query as text, columns joined by `|`, NULL as `~`.
    func rows(_ sql: SQL) throws -> [String] {
        let rows = try eye.query(sql)
        return (0..<rows.count).map { row in
            (0..<rows.columns).map { rows[row, $0] ?? "~" }.joined(separator: "|")
        }
    }

    func value(_ sql: SQL) throws -> String? { try eye.query(sql)[0, 0] }
}

extension ColumnShape {
    /// A column of a test's source table. `attribute` is given by `TableShape.test`.
    static func test(
        _ name: String, _ type: String, oid: UInt32, key: Bool = false, toast: Bool = false, notNull: Bool = false,
        binary: Bool = false
    ) -> ColumnShape {
        ColumnShape(
            name: name, type: type, typeOID: oid, isBinarySafe: binary, isToastable: toast, isNotNull: notNull || key,
            isIdentity: key)
    }

    static func int(_ name: String, key: Bool = false) -> ColumnShape { test(name, "integer", oid: 23, key: key) }
    static func text(_ name: String, key: Bool = false) -> ColumnShape {
        test(name, "text", oid: 25, key: key, toast: !key)
    }
}

extension TableShape {
    /// A shape whose columns are numbered in order.
    static func test(_ columns: [ColumnShape], name: String = "orders", types: [TypeDefinition] = []) -> TableShape {
        var numbered = columns
        for index in numbered.indices where numbered[index].attribute == nil { numbered[index].attribute = index + 1 }
        return TableShape(table: 0, namespace: "public", name: name, columns: numbered, types: types)
    }
}

/// A value of a test's row.
enum Field: ExpressibleByStringLiteral, ExpressibleByNilLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case null
    /// The update left it out.
    case left

    init(stringLiteral value: String) { self = .text(value) }
    init(nilLiteral: ()) { self = .null }
    init(integerLiteral value: Int) { self = .text(String(value)) }
}

/// Rows of one set, built before they are stored.
struct RowBuilder {
    let batch = ChangeBatch()
    let pool = RowPool()
    private(set) var changes = ContiguousArray<NetChange>()
    private(set) var log = ContiguousArray<LoggedChange>()

    private func row(_ fields: [Field]) -> RowReference {
        let first = batch.nextField
        for field in fields {
            switch field {
            case .null: batch.appendNull()
            case .left: batch.appendUnchanged()
            case .text(let text):
                var text = text
                text.withUTF8 { bytes in
                    if let start = bytes.baseAddress, bytes.count > 0 {
                        batch.appendValue(start, count: bytes.count)
                    } else {
                        batch.appendEmpty()
                    }
                }
            }
        }
        return RowReference(batch: 0, firstField: first)
    }

    private static func lacks(_ fields: [Field]) -> Bool {
        fields.contains { if case .left = $0 { true } else { false } }
    }

    mutating func insert(_ fields: [Field]) {
        changes.append(NetChange(operation: .create, isNew: true, row: row(fields)))
    }

    /// `movedFrom`: a row with the key that the row had.
    mutating func update(_ fields: [Field], movedFrom origin: [Field]? = nil) {
        var change = NetChange(operation: .update, isNew: false, row: row(fields))
        change.hasUnchanged = RowBuilder.lacks(fields)
        if let origin { change.origin = row(origin) }
        changes.append(change)
    }

    /// `image`: the row as it last was, where it was written in the same set.
    mutating func delete(_ key: [Field], image: [Field]? = nil, movedAway: Bool = false) {
        var change = NetChange(operation: .delete, isNew: false, row: row(key))
        change.isMovedAway = movedAway
        if let image {
            change.image = row(image)
            change.hasUnchanged = RowBuilder.lacks(image)
        }
        changes.append(change)
    }

    mutating func log(
        _ operation: Connectors.Operation, _ fields: [Field]?, position: String, sequence: Int64, keyOnly: Bool = false
    ) {
        log.append(
            LoggedChange(
                operation: operation, row: fields.map { row($0) } ?? .none, rowIsKey: keyOnly,
                position: LogPosition(position) ?? .zero, sequence: sequence, time: 1_234_567, transaction: 77))
    }

    /// The pool that the references are of.
    func finished() -> RowPool {
        if pool.add(batch) != 0 { pool.refresh(0) }
        return pool
    }
}

/// A link of one or more tables, opened and attached.
final class TestLink {
    let materialization: PostgresMaterialization
    let spec: LinkSpec
    let transactor: any Transactor
    private var position = LogPosition(100)

    init(
        _ materialization: PostgresMaterialization, _ bindings: [(LinkBinding, TableShape)],
        states: [BindingCheckpoint]? = nil, willBackfill: Bool = false, capture: String = "acme/capture"
    ) throws {
        self.materialization = materialization
        spec = LinkSpec(capture: capture, materialization: "acme/warehouse", bindings: bindings.map(\.0))
        transactor = try materialization.open(spec)
        let tables = bindings.enumerated().map { index, binding in
            let state =
                states?[index] ?? transactor.checkpoint(of: index)
                ?? BindingCheckpoint(phase: willBackfill ? .pending : .streaming)
            return AttachedTable(binding.1, state, willBackfill: willBackfill)
        }
        let isNew = transactor.checkpoint == nil
        try transactor.attach(
            tables, beginning: isNew ? LinkCheckpoint(position: position, captureState: "{}") : nil)
        position = transactor.checkpoint?.position ?? position
    }

    /// One table named like the source's.
    convenience init(
        _ destination: Destination, _ shape: TableShape, key: [String] = ["id"], avoidsMerge: Bool = false,
        willBackfill: Bool = false, _ change: (inout LinkBinding) -> Void = { _ in }
    ) throws {
        try self.init(
            destination.materialization(avoidsMerge: avoidsMerge), [(.test(shape, key: key, change), shape)],
            willBackfill: willBackfill)
    }

    func close() { transactor.close() }

    /// Stores a set and commits it.
    func store(_ shape: TableShape, binding: Int = 0, _ build: (inout RowBuilder) -> Void) throws {
        try storeOpen(shape, binding: binding, build)
        try commit()
    }

    /// Stores a set and leaves the transaction open.
    func storeOpen(_ shape: TableShape, binding: Int = 0, _ build: (inout RowBuilder) -> Void) throws {
        var builder = RowBuilder()
        build(&builder)
        let pool = builder.finished()
        if !builder.changes.isEmpty {
            try transactor.store(builder.changes, binding: binding, shape: shape, rows: pool)
        }
        if !builder.log.isEmpty { try transactor.append(builder.log, binding: binding, shape: shape, rows: pool) }
    }

    func commit(_ states: [Int: BindingCheckpoint] = [:]) throws {
        position = LogPosition(position.rawValue + 1)
        try transactor.commit(LinkCheckpoint(position: position, captureState: "{}"), bindings: states)
    }

    /// Copies rows as one chunk.
    func chunk(
        _ lines: [String], shape: TableShape, binding: Int = 0, isLast: Bool = false,
        phase: BindingCheckpoint.Phase? = nil
    ) throws {
        let writer = try transactor.chunkWriter()
        defer { writer.close() }
        let format = try writer.begin(
            binding, shape: shape, position: LogPosition(0x1_0000_0200), firstSequence: 10)
        guard case .text = format else { throw PostgresError(operation: "test", message: "binary was asked for") }
        for line in lines {
            try Array((line + "\n").utf8).withUnsafeBytes { try writer.write($0) }
        }
        try writer.finishRows()
        let state = BindingCheckpoint(
            phase: phase ?? (isLast ? .streaming : .backfilling), backfill: "f", rows: Int64(lines.count))
        try writer.commit(binding, state: state, isLast: isLast)
    }
}

extension LinkBinding {
    static func test(
        _ shape: TableShape, key: [String] = ["id"], _ change: (inout LinkBinding) -> Void = { _ in }
    ) -> LinkBinding {
        var binding = LinkBinding(
            table: 0, index: 0, collection: "acme/\(shape.name)", schema: "public", name: shape.name, key: key)
        change(&binding)
        return binding
    }
}
