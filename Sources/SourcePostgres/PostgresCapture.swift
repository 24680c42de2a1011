import Connectors
import Glibc
import JSON
import Postgres
import Synchronization

/// A Postgres source read through logical replication with pgoutput.
public final class PostgresCapture: Capture {
    public let name: String
    let config: PostgresCaptureConfig
    let tables: [CapturedTable]
    /// What `prepare` found.
    private let found = Mutex<Found?>(nil)
    /// Whether a table is read through policies that show all of it (`RowSecurity`).
    private let hasPolicies = Mutex(false)
    /// Statements that take back what was made since a link had a checkpoint or ran, the last first.
    private let undo = Mutex<[String]>([])
    /// What the links' records let in doubt, for the session to decide.
    let doubts = Mutex<StorageDoubts>(StorageDoubts())
    private let slotWatch = Mutex(SlotWatch())
    /// Hears what deserves a look.
    private let listener = Mutex<(@Sendable (StatusFinding) -> Void)?>(nil)

    struct Found: Sendable {
        var sources: [TableSource]
        var shapes: [TableShape]
        var orders: [KeyOrder]
        /// By table: orders by unique indexes other than the table's own, for keys that are not its.
        var keyOrders: [[KeyOrder]]
        var identity: LogIdentity
        var isStandby: Bool
    }

    public init(name: String, config: PostgresCaptureConfig, tables: [CapturedTable]) {
        self.name = name
        self.config = config
        self.tables = tables
    }

    /// Where its source is.
    public var connection: ConnectionParameters { config.connection }

    public var backfillWorkers: Int { config.backfillWorkers }

    public func observe(_ hear: @escaping @Sendable (StatusFinding) -> Void) {
        listener.withLock { $0 = hear }
    }

    func notice(_ finding: StatusFinding) {
        listener.withLock { $0 }?(finding)
    }

    /// Looks whether the slot is near its end, and says so; whether the server gives it up at its next checkpoint.
    @discardableResult
    func watchSlot(_ connection: Connection) throws -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        let (finding, isOverdue) = try slotWatch.withLock { watch in
            (try watch.look(config.slot, on: connection, now: now), watch.isOverdue)
        }
        if let finding { notice(finding) }
        return isOverdue
    }

    // MARK: - Preparing

    public func probe() throws {
        try rethrowing("check", "capture \"\(name)\"") {
            let connection = try connect()
            defer { connection.close() }
            let server = try SourceServer(connection)
            try server.requireLogicalReplication()
            try server.requireFailover(config)
            try config.oldestTransaction?.require(connection)
            let catalog = TableCatalog(connection: connection, publication: config.publication)
            let sources = try findTables(catalog)
            try requireUncaptured(sources)
            let shapes = try sources.map { try catalog.shape(of: $0) }
            try requireIdentity(sources, shapes, connection)
            for (source, shape) in zip(sources, shapes) {
                try UniqueKeys(connection: connection).require(tables[source.index].keys, of: source, shape)
            }
            let rights = SourceRights(connection: connection, parameters: config.connection)
            try rights.requireReplication()
            try rights.requireReading(sources)
            let guarded = try RowSecurity.guarded(sources, connection)
            hasPolicies.withLock { $0 = !guarded.isEmpty }
            try watchSlot(connection)
        }
    }

    public func prepare(
        _ checkpoints: [LinkCheckpoint?], followed: Set<Int>, areAll: Bool, stop: StopSignal,
        waiting: @escaping (String) -> Void
    ) throws -> CaptureStart {
        if checkpoints.contains(where: { $0 != nil }) { undo.withLock { $0 = [] } }
        do {
            return try provide(checkpoints, followed, areAll, SourceWait(stop: stop, say: waiting))
        } catch {
            withdraw()
            throw error
        }
    }

    public func plan(_ checkpoints: [LinkCheckpoint?], followed: Set<Int>, areAll: Bool) throws -> CaptureStart {
        try provide(checkpoints, followed, areAll, SourceWait(stop: StopSignal(), say: { _ in }), isPlan: true)
    }

    public func withdraw() {
        let statements = undo.withLock { statements in
            defer { statements = [] }
            return statements
        }
        guard !statements.isEmpty, let connection = try? connect() else { return }
        defer { connection.close() }
        for statement in statements { try? connection.execute("\(raw: statement)") }
    }

    private func provide(
        _ checkpoints: [LinkCheckpoint?], _ followed: Set<Int>, _ areAll: Bool, _ wait: SourceWait,
        isPlan: Bool = false
    ) throws -> CaptureStart {
        try rethrowing("prepare", "capture \"\(name)\"") {
            let connection = try connect()
            defer { connection.close() }
            let provisioning =
                isPlan ? Provisioning() : Provisioning(making: { try connection.execute("\(raw: $0)") })
            let server = try SourceServer(connection)
            try server.requireLogicalReplication()
            try config.oldestTransaction?.require(connection)

            let catalog = TableCatalog(connection: connection, publication: config.publication)
            var sources = try findTables(catalog)
            let shapes = try sources.map { try catalog.shape(of: $0) }
            for (index, shape) in shapes.enumerated()
            where sources[index].orderColumns.isEmpty && shape.hasWholeOldRows {
                // A partition that comes has to do as the others do.
                sources[index].neededIdentity.formUnion(shape.columns.map { Identifier($0.name) })
            }
            try requireIdentity(sources, shapes, connection)
            let orders = try zip(sources, shapes).map { try catalog.order(of: $0, shape: $1) }

            let keyOrders = try zip(sources, shapes).map { source, shape in
                try UniqueKeys(connection: connection).columns(of: source).filter { names in
                    names.allSatisfy { name in
                        shape.columns.contains { $0.name.isSameName(as: name) && $0.isNotNull && $0.isIdentity }
                    }
                }.map { try catalog.order(of: source, by: $0, shape: shape) }
            }

            let isBeginning = checkpoints.allSatisfy { $0 == nil }
            let isReadWhole = tables.allSatisfy(\.isReadWhole)
            if isBeginning, !isReadWhole { try EarlySlot(config: config, connection: connection).refuseGap() }
            let publication = try PublicationSetup(
                connection: connection, name: config.publication, isReadOnly: config.isReadOnly || server.isStandby,
                showsPartitions: config.capturesPartitions, provisioning: provisioning
            ).prepare(sources, followed: followed)
            if let statement = publication.undo { undo.withLock { $0.insert(statement, at: 0) } }
            let sideTables = try provideSideTables(connection, server, provisioning)
            let memberships = try catalog.memberships(of: sources, in: config.publication)
            let version = try PublicationReading(config.publication, connection)?.version
            let storage = try TableStorage.read(sources, connection)
            try StorageReading(connection: connection).fill(&sources)
            let generated = try GeneratedColumns.read(sources, connection)
            doubts.withLock { $0 = StorageDoubts() }
            for index in sources.indices {
                sources[index].membership = memberships[sources[index].oid]
                sources[index].publication = version
                sources[index].storage = storage[sources[index].oid] ?? TableStorage()
                sources[index].keys = tables[sources[index].index].keys
                sources[index].generated = generated[sources[index].oid] ?? GeneratedColumns()
            }
            let slot = try SlotSetup(
                connection: connection, config: config, server: server, provisioning: provisioning,
                passesOver: isBeginning && isReadWhole && areAll
            ).prepare(checkpoints, wait)
            if isPlan {
                // Nothing to take back, and nobody to wait for.
            } else if slot.wasCreated {
                undo.withLock { $0.insert("SELECT pg_drop_replication_slot(\(SQL.literal(config.slot)))", at: 0) }
            } else {
                try wait.forWriters(of: sources.filter { !followed.contains($0.index) }, connection)
            }

            found.withLock {
                $0 = Found(
                    sources: sources, shapes: shapes, orders: orders, keyOrders: keyOrders,
                    identity: slot.identity,
                    isStandby: server.isStandby)
            }
            let newLink = LinkCheckpoint(position: slot.position, captureState: slot.identity.text, time: slot.time)
            let positions = zip(checkpoints, slot.refusals).compactMap { checkpoint, refusal in
                refusal == nil ? checkpoint?.position ?? slot.position : nil
            }
            var start = CaptureStart(
                refusals: slot.refusals, shapes: shapes, newLink: newLink, position: positions.min() ?? slot.position,
                provisioned: publication.provisioned + sideTables + slot.provisioned,
                estimatedRows: sources.map(\.estimatedRows), encoding: server.encoding)
            start.changes = provisioning.changes
            if isPlan { start.estimatedBytes = catalog.bytes(of: sources) }
            return start
        }
    }

    /// Of the tables that the config names beside the captured ones, those that a run uses.
    private func provideSideTables(
        _ connection: Connection, _ server: SourceServer, _ provisioning: Provisioning
    ) throws -> [String] {
        let isReadOnly = config.isReadOnly || server.isStandby
        var used: [String] = []
        if config.watermark != nil, !server.isStandby { used.append(SideTables.watermarksKind) }
        if config.sideTables.signalTable != nil { used.append(SideTables.signalKind) }
        if case .table = config.heartbeat?.mode { used.append(SideTables.heartbeatKind) }
        guard !isReadOnly || config.heartbeat == nil else {
            throw RunError(
                .needsOperator, operation: "beat", object: "the heartbeat of capture \"\(name)\"",
                message: "this capture does not write to the source, and a heartbeat does",
                hint: "take advanced.heartbeat out of its config: an idle slot moves without one", task: name)
        }
        guard !used.isEmpty else { return [] }
        let result = try SideTableSetup(
            connection: connection, publication: config.publication, isReadOnly: isReadOnly, provisioning: provisioning
        ).prepare(config.sideTables.tables.filter { used.contains($0.kind) })
        undo.withLock { $0 = result.undo + $0 }
        return result.provisioned
    }

    func findTables(_ catalog: TableCatalog) throws -> [TableSource] {
        var missing: [String] = []
        var firstMissing: Int?
        var sources: [TableSource] = []
        for (index, table) in tables.enumerated() {
            let name = QualifiedName(table.namespace, table.stream)
            if var source = try catalog.table(name, index: index) {
                source.binding = table.binding
                if config.capturesPartitions, source.isPartitioned {
                    let root = try PartitionedRoot(source, catalog.connection)
                    throw RunError(
                        .needsOperator, operation: "capture", object: "table \(name)", message: root.reason,
                        hint: root.remedy, task: self.name, binding: table.binding)
                }
                source.neededIdentity = Set(
                    (source.orderColumns + table.keys.flatMap(\.columns)).map(Identifier.init))
                sources.append(source)
            } else if let (message, hint) = try catalog.obstacle(name) {
                throw RunError(
                    .needsOperator, operation: "capture", object: "table \(name)", message: message, hint: hint,
                    task: self.name, binding: table.binding)
            } else {
                missing.append("\(name)")
                firstMissing = firstMissing ?? table.binding
            }
        }
        guard missing.isEmpty else {
            throw RunError(
                .needsOperator, operation: "find", object: "table \(missing.joined(separator: ", "))",
                message: "no such table in database \(config.connection.database), or the user may not see its schema",
                hint: "check the binding's namespace and stream (case is significant)", task: name,
                binding: firstMissing)
        }
        return sources
    }

    /// The signal table's rows are for the capture itself.
    private func requireUncaptured(_ sources: [TableSource]) throws {
        guard let signals = config.sideTables.signalTable?.name,
            let source = sources.first(where: { $0.name == signals })
        else { return }
        throw RunError(
            .needsOperator, operation: "capture", object: "table \(signals)",
            message: "it is the capture's signal table, whose rows are never materialized",
            hint: "take its binding out of the catalog", task: name, binding: source.binding)
    }

    /// A published table without replica identity would make the application's updates fail.
    private func requireIdentity(
        _ sources: [TableSource], _ shapes: [TableShape], _ connection: Connection
    ) throws {
        for (source, shape) in zip(sources, shapes) where source.isPartitioned {
            let needed = source.neededIdentity.filter { shape.index(of: $0.name) != nil }
            try LeafIdentity.read(source.oid, connection).require(needed, of: source)
        }
        if let found = try GeneratedIdentity.find(sources, connection) {
            throw RunError(
                .needsOperator, operation: "publish", object: "table \(found.table)", message: found.reason,
                hint: found.remedy, task: name)
        }
        let without = zip(sources, shapes).filter { !$0.hasIdentity($1) }.map(\.0)
        guard without.isEmpty else {
            let names = without.map { "\($0.name)" }
            throw RunError(
                .needsOperator, operation: "publish", object: "table \(names.joined(separator: ", "))",
                message:
                    "it has no replica identity (no primary key): once published, its updates and deletes would fail",
                hint: names.map { "ALTER TABLE \($0) REPLICA IDENTITY FULL;" }.joined(separator: " "), task: name,
                binding: without.first?.binding)
        }
    }

    // MARK: - What runs

    public func openSession(from position: LogPosition, stop: StopSignal) throws -> any CaptureSession {
        let found = try prepared()
        undo.withLock { $0 = [] }
        return try rethrowing("start replication", "slot \"\(config.slot)\"") {
            let side = try connect()
            let doubts = doubts.withLock { $0 }
            return try StreamSession(
                replication: try Connection(replicationConnectionTo: config.connection), side: side,
                config: config, sources: found.sources,
                shapes: found.shapes, storage: doubts.watch(found.sources, side) { [weak self] in self?.notice($0) },
                from: position, stop: stop,
                watchSlot: { [weak self] in try self?.watchSlot($0) ?? false },
                notice: { [weak self] in self?.notice($0) })
        }
    }

    public func openChunkReader(stop: StopSignal) throws -> any ChunkReader {
        let isStandby = try prepared().isStandby
        return try rethrowing("connect", "capture \"\(name)\"") {
            let connection = try connect()
            try connection.execute("SET max_parallel_workers_per_gather = 0")
            return ChunkReading(
                capture: name, connection: connection, stop: stop, isStandby: isStandby, isReadOnly: config.isReadOnly,
                watermark: isStandby ? nil : config.watermark)
        }
    }

    /// After everything that is committed: what was flushed, and what was inserted and not flushed yet. The end of the last
    /// record, not the place of the next, which a page header can part from it.
    public func committedPosition() throws -> LogPosition {
        try rethrowing("ask for the position", "capture \"\(name)\"") {
            let connection = try connect()
            defer { connection.close() }
            let isStandby = try prepared().isStandby
            let rows = try connection.query(
                isStandby ? "SELECT pg_last_wal_replay_lsn()" : "SELECT pg_current_wal_insert_lsn()")
            return WALPage.endOfLastRecord(rows[0, 0].flatMap { LogPosition($0) } ?? .zero)
        }
    }

    public func status() throws -> CaptureStatus {
        try rethrowing("read the status of", "source \(config.connection)") {
            var parameters = config.connection
            parameters.connectTimeout = 10
            let connection = try Connection(parameters)
            defer { connection.close() }
            try connection.execute("SET default_transaction_read_only = on; SET statement_timeout = '10s'")
            return try SlotInspection(config: config).read(connection).status(config)
        }
    }

    func prepared() throws -> Found {
        guard let found = found.withLock({ $0 }) else {
            throw RunError(.internal, operation: "open", object: "capture \"\(name)\"", message: "it was not prepared")
        }
        return found
    }

    func connect() throws -> Connection {
        let connection = try Connection(config.connection)
        if hasPolicies.withLock({ $0 }) { try connection.execute("SET row_security = on") }
        return connection
    }

    func rethrowing<Result>(_ operation: String, _ object: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PostgresError {
            throw error.asRunError(operation: operation, object: object, task: name)
        } catch var error as RunError {
            error.task = error.task ?? name
            throw error
        }
    }
}
