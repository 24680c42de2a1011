import Connectors
import Postgres

/// The apply side of a link on its own connection: rows, checkpoint and fence check in one transaction.
final class PostgresTransactor: Transactor {
    private let config: PostgresMaterialization.Config
    let session: RowSession
    private let tables: TableRegister
    private var statements: LinkStatements
    private var records: [BindingRecord]
    /// Whether the destination had a record of the link as it was opened.
    private let isKnown: Bool
    private let fences: HeldFences
    private let watch: LockWatch
    private let parking: Parking
    private let provisioning: Provisioning
    private(set) var refusals: [RunError] = []
    private var states: [Int: BindingCheckpoint] = [:]
    private(set) var checkpoint: LinkCheckpoint?
    /// Whether a table's record tells of an error that the next commit gets past.
    private var hasErrors: Bool
    /// Tables that the open transaction changed, as they were before.
    private var changed: [(table: BoundTable, layout: BoundTable.Layout)] = []
    /// What stores tables apart from the link's own transaction; nil before it first does.
    private var apart: TableWriters?
    /// Tables that were emptied as they were attached.
    private var rebuilt: Set<Int> = []
    private var link: LinkSpec { statements.link }

    init(
        config: PostgresMaterialization.Config, session: RowSession, tables: TableRegister, record: LinkRecord?,
        statements: LinkStatements, fences: HeldFences, watch: LockWatch, provisioning: Provisioning
    ) {
        self.provisioning = provisioning
        self.fences = fences
        self.watch = watch
        self.config = config
        self.session = session
        self.tables = tables
        self.statements = statements
        parking = Parking(statements.metadata, statements.link, session)
        records = record?.bindings ?? []
        hasErrors = records.contains { $0.error != nil && $0.state.phase != .disabled }
        checkpoint = record?.checkpoint
        isKnown = record != nil
    }

    deinit { watch.end() }

    func scope(_ operation: String) -> ErrorScope {
        ErrorScope(operation: operation, object: "the link from \(link.capture)", task: link.materialization)
    }

    private func fenced() -> RunError { Fenced.error(link) }

    // MARK: - Opening

    func checkpoint(of binding: Int) -> BindingCheckpoint? {
        states[binding] ?? record(of: binding)?.state
    }

    private func record(of binding: Int) -> BindingRecord? {
        guard link.bindings.indices.contains(binding) else { return nil }
        let spec = link.bindings[binding]
        return records.first { $0.isOf(spec) }
    }

    /// Tables attached in one transaction at most: each takes several of the server's locks.
    private static let attachLimit = 500

    func attach(_ attached: [AttachedTable], beginning: LinkCheckpoint?) throws {
        guard attached.count == link.bindings.count else {
            throw scope("attach").error(.internal, "\(attached.count) tables for \(link.bindings.count) bindings")
        }
        let connection = session.connection
        session.watched?.doing = scope("attach")
        guard !provisioning.isPlan else { return try planAttaching(attached) }
        try scope("attach").rethrowing {
            try TableRights(connection: connection, materialization: link.materialization).require(link.bindings)
        }
        for (table, binding) in zip(attached, link.bindings) { try prepare(table, binding) }
        var isHeld = false
        for first in stride(from: 0, through: max(0, attached.count - 1), by: PostgresTransactor.attachLimit) {
            let end = min(attached.count, first + PostgresTransactor.attachLimit)
            try scope("attach").rethrowing { try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") }
            do {
                try takeLink(isHeld: isHeld)
                try lockParks()
                for index in first..<end { try attach(index, attached[index]) }
                if end == attached.count {
                    if isKnown { try run(statements.detachOthers, "attach") }
                    if let beginning { try begin(beginning) }
                }
                try scope("attach").rethrowing { try connection.execute("COMMIT") }
                isHeld = true
            } catch {
                try? connection.execute("ROLLBACK")
                throw error
            }
        }
        checkpoint = beginning ?? checkpoint
    }

    var changes: [PlannedChange] { provisioning.changes }

    var beginningAnew: String { statements.beginningAnew }

    /// Decides about every table as `attach` does. What it tries on the way is rolled back, and what stops one table keeps
    /// nobody from planning the next.
    private func planAttaching(_ attached: [AttachedTable]) throws {
        let connection = session.connection
        try scope("plan").rethrowing { try statements.metadata.prepare(connection, provisioning) }
        for (index, table) in attached.enumerated() {
            let binding = link.bindings[index]
            let scope = ErrorScope("attach", binding, task: link.materialization)
            let mark = provisioning.mark
            do {
                try prepare(table, binding)
                try scope.rethrowing { try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") }
                defer { try? connection.execute("ROLLBACK") }
                try attach(index, table)
                let changes = Array(provisioning.changes[mark...])
                if let refusal = TableOwnership.refusal(of: changes, scope) { refusals.append(refusal) }
            } catch let error as RunError where !error.isPassing {
                provisioning.forget(since: mark)
                refusals.append(error)
            }
        }
    }

    private func prepare(_ table: AttachedTable, _ binding: LinkBinding) throws {
        let shape = table.shape.stored(by: binding)
        let scope = ErrorScope("attach", binding, task: link.materialization)
        try BindingCheck.run(binding, shape, scope)
        let mayChange = config.schemaEvolution == .basic
        _ = try EnumLabels.extend(shape.types, session.connection, scope, mayChange: mayChange, provisioning)
    }

    /// One runner at a time makes and changes tables, and only the one that has the link.
    private func takeLink(isHeld: Bool) throws {
        let scope = scope("open")
        let connection = session.connection
        let isOurs = try scope.rethrowing {
            try connection.execute("SELECT pg_advisory_xact_lock(\(raw: DestinationLock.ddl))")
            if isKnown || isHeld {
                let statement = statements.holdFence
                do {
                    _ = try connection.query(statement.sql, statement.parameters)
                    return true
                } catch let error as PostgresError where error.sqlState == "22012" {
                    return false
                }
            }
            try statements.metadata.prepare(connection, provisioning)
            statements.fence = 1
            guard try LinkRecord.begin(link, statements.metadata, connection) else { return false }
            fences.begins(link)
            return true
        }
        guard isOurs else { throw fenced() }
    }

    /// What is parked may have been drained since the records were read; from here on it can't be until the tables are
    /// attached.
    private func lockParks() throws {
        let (link, metadata, connection) = (link, statements.metadata, session.connection)
        try scope("attach").rethrowing {
            guard try parking.begin(connection), isKnown else { return }
            records = try BindingRecord.read(link.materialization, link.capture, metadata, connection)
        }
    }

    var parked: [Int: ParkedTable] { parking.standing }

    private func attach(_ binding: Int, _ table: AttachedTable) throws {
        let spec = link.bindings[binding]
        session.watched?.doing = ErrorScope("attach", spec, task: link.materialization)
        let known = record(of: binding)
        if let gap = table.state.gap, gap.isNew, parking.holds(binding) {
            throw parking.unmendable(spec, gap)
        }
        if known == nil || table.isRebuilt || table.state.isReadAgain || table.state.phase == .pending {
            if !provisioning.isPlan {
                try parking.forget(binding, isMissed: known != nil && !table.isRebuilt, session.connection)
            }
        }
        let attachment = Attachment(
            connection: session.connection, config: config, statements: statements, number: binding, binding: spec,
            scope: ErrorScope("attach", spec, task: link.materialization), record: record(of: binding),
            provisioning: provisioning, isReplica: session.isReplica)
        tables[binding] = try attachment.run(
            shape: table.shape.stored(by: spec), state: table.state, willBackfill: table.willBackfill,
            isRebuilt: table.isRebuilt)
        if table.isRebuilt { rebuilt.insert(binding) }
        states[binding] = table.state
        states[binding]?.isReadAgain = false
    }

    private func begin(_ checkpoint: LinkCheckpoint) throws {
        try run(
            statements.checkpoint(
                checkpoint.position, captureState: checkpoint.captureState, time: checkpoint.time), "begin")
    }

    private func run(_ statement: LinkStatements.Statement, _ operation: String) throws {
        try scope(operation).rethrowing {
            _ = try session.connection.query(statement.sql, statement.parameters)
        }
    }

    func signals() throws -> StoredSignals {
        guard isKnown else { return StoredSignals() }
        return try scope("read the signals of").rethrowing {
            try SignalStorage(metadata: statements.metadata, connection: session.connection).stored(link)
        }
    }

    func confirmFence() throws {
        let statement = statements.confirmFence
        let rows = try scope("watch").rethrowing {
            try session.connection.query(statement.sql, statement.parameters)
        }
        guard rows[0, 0] == "1" else { throw fenced() }
    }

    // MARK: - Rows

    func store(_ changes: ContiguousArray<NetChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        let table = try tables.attached(binding)
        try followPending(table, shape)
        guard !parking.holds(binding) else { return try parking.store(changes, table, shape: shape, rows: rows) }
        if !table.hasKey { table.isKeyWanted = true }
        try session.store(changes, table, shape: shape, rows: rows)
    }

    func store(_ parts: [StoredPart], rows: RowPool) throws {
        for part in tables.order.parts(parts) { try store(part, rows: rows) }
    }

    func append(_ changes: ContiguousArray<LoggedChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        let table = try tables.attached(binding)
        try followPending(table, shape)
        guard !parking.holds(binding) else { return try parking.append(changes, table, shape: shape, rows: rows) }
        try session.append(changes, table, shape: shape, rows: rows)
    }

    func truncate(_ bindings: [Int]) throws {
        for binding in bindings where parking.holds(binding) { try parking.truncate(try tables.attached(binding)) }
        let open = try bindings.filter { !parking.holds($0) }.map { try tables.attached($0) }
        if !open.isEmpty { try session.truncate(open) }
    }

    // MARK: - Shapes

    /// The run began with a shape that the table was not prepared for, and now its first rows come.
    private func followPending(_ table: BoundTable, _ shape: TableShape) throws {
        guard let pending = table.layout.pending, pending.isSame(as: shape.stored(by: table.binding)) else { return }
        guard !parking.holds(table.number) else {
            try parking.evolve(table, to: shape)
            table.layout.pending = nil
            return
        }
        _ = try change(table, to: pending)
    }

    var parents: [[Int]] { tables.order.parents }

    var behind: [Int] { link.bindings.indices.filter { tables[$0]?.layout.pending != nil } }

    func evolve(_ binding: Int, to shape: TableShape) throws -> [String] {
        let table = try tables.attached(binding)
        guard !parking.holds(binding) else {
            try parking.evolve(table, to: shape)
            table.layout.pending = nil
            return []
        }
        return try change(table, to: shape.stored(by: table.binding))
    }

    private func change(_ table: BoundTable, to shape: TableShape) throws -> [String] {
        let known = table.layout
        let statements = try session.evolve(table, to: shape, config, self.statements)
        if table.layout.generation != known.generation { changed.append((table, known)) }
        return statements
    }

    // MARK: - The transaction

    var isOpen: Bool { session.isInTransaction }

    func flush() throws {
        try session.flush()
    }

    func commit(
        _ checkpoint: LinkCheckpoint, bindings: [Int: BindingCheckpoint], signals: [SignalRecord]
    ) throws {
        let scope = scope("commit")
        try session.begin()
        var adopted: [BoundTable] = []
        for (binding, state) in bindings.sorted(by: { $0.key < $1.key }) {
            let table = try tables.attached(binding)
            if state.phase == .streaming, let adoption = table.adoption {
                try session.end(adoption, of: table)
                adopted.append(table)
            }
            try session.send(
                statements.state(state, of: table.binding), table.scope("record"),
                fault: { table.scope("record").error(.needsOperator, "its row in flow.bindings is gone") })
        }
        for record in signals { try session.send(statements.signal(record), scope) }
        if signals.contains(where: \.state.isFinal) { try session.send(statements.forgettingSignals, scope) }
        if hasErrors { try session.send(statements.clearErrors, scope) }
        try write(checkpoint)
        do {
            try session.commit(scope)
        } catch let error as RunError where error.rowFault != nil && error.binding == nil {
            // A constraint that is looked at when the commit comes.
            session.rollback()
            throw DeferredFault(link: link, parked: parking.bindings).attributed(error, session.connection)
        }
        parking.ended()
        hasErrors = false
        for table in adopted { table.adoption = nil }
        self.checkpoint = checkpoint
        for (binding, state) in bindings { states[binding] = state }
        changed.removeAll()
    }

    // MARK: - Several writers

    var writers: Int { config.tasks }

    func ahead(of binding: Int) -> LinkCheckpoint? {
        guard !rebuilt.contains(binding), let place = record(of: binding)?.place, let checkpoint,
            place.position > checkpoint.position
        else { return nil }
        return place
    }

    func storeApart(
        _ parts: [StoredPart], at checkpoint: LinkCheckpoint, rows: RowPool,
        together: ([() throws -> Void]) throws -> Void
    ) throws {
        let apart = self.apart ?? TableWriters(config, statements, tables, watch)
        self.apart = apart
        let isFree = !session.isInTransaction
        let rest = try apart.store(parts, at: checkpoint, rows: rows, together: together) { table in
            isFree && !parking.holds(table.number) && table.mayStandApart(isReplica: session.isReplica)
        }
        try store(rest, rows: rows)
    }

    private func write(_ checkpoint: LinkCheckpoint) throws {
        let isSame = self.checkpoint?.captureState == checkpoint.captureState
        try session.send(
            statements.checkpoint(
                checkpoint.position, captureState: isSame ? nil : checkpoint.captureState, time: checkpoint.time),
            scope("commit"), fault: fenced)
    }

    func rollback() {
        session.rollback()
        parking.ended(isLost: true)
        for (table, layout) in changed.reversed() {
            let generation = table.layout.generation
            table.layout = layout
            table.layout.generation = generation + 1
        }
        changed.removeAll()
    }

    func chunkWriter() throws -> any ChunkWriter {
        let scope = scope("open a writer for")
        let opened = try DestinationConnection.forRows(config, scope)
        let watched = try scope.rethrowing {
            try watch.mark(opened.connection)
            return try watch.add(opened.connection, scope)
        }
        return PostgresChunkWriter(
            session: RowSession(opened, tables: tables, scope: scope, watched: watched), tables: tables,
            statements: statements, watch: watch)
    }

    func close() {
        watch.end()
        apart?.close()
        session.connection.close()
    }
}
