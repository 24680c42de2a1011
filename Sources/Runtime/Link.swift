import Connectors

/// The apply side of one link, on one thread: takes batches of the log, lets the backfills decide about rows of tables
/// that are still being read, folds, stores, and commits whole transactions with their checkpoint.
///
/// Invariants:
/// - A commit holds whole source transactions in commit order, and the checkpoint is the end of the last of them.
/// - A chunk enters between two transactions, with nothing of the link uncommitted, in one commit with its held changes.
/// - After an error nothing is committed any more; the next run begins at the destination's checkpoint.
final class Link {
    /// Bounds of what is folded before it is stored: bytes of rows, and changes.
    private static let storeBytes = 12 << 20
    private static let storeChanges = 200_000
    /// Held for one chunk; beyond it the chunk is read again later, as a smaller one. One that can't be smaller is waited
    /// for instead, and may then have the second bound until the open transaction ends.
    static let heldBytes = 8 << 20
    static let mostHeldBytes = 32 << 20
    /// How far the destination's record of the source's time may be behind while nothing happens, in microseconds.
    private static let clockInterval: Int64 = 25_000_000

    let spec: LinkSpec
    let transactor: any Transactor
    let backfills: any LinkBackfills
    let mailbox: LinkMailbox
    let status: LinkStatus
    let observer: any RunObserver
    let capture: any Capture

    var buffer: LinkBuffer
    /// By captured table: the link's bindings that take its rows.
    let bindingsOfTable: [[Int]]
    /// The shape that chunks of a binding are read in; the stream's may still be an older one.
    var chunkShapes: [TableShape]
    /// By binding: what the destination's table gets before more of it is read, once the log has come there.
    var shapesAhead: [Int: ShapeAhead]
    /// Bindings whose table has a shape that a reader found, and the log has shown none since.
    var takenUp: Set<Int> = []
    /// Bindings of which the log has shown a shape that is not to be taken up before a row of it counts.
    var unfollowed: Set<Int> = []
    /// By binding: where the source was as its table began to be read from its first row on (`LinkBackfills.readFrom`).
    let readFrom: [Int: LogPosition]

    /// The open transaction of the log; nil between two.
    var transaction: OpenTransaction?
    /// End of the last whole transaction that was looked at, and of the last that was committed.
    var position: LogPosition
    private(set) var committed: LogPosition
    /// Bindings whose state must go into the next commit.
    var changedStates: Set<Int> = []
    /// Bindings whose table the open destination transaction holds a lock on that keeps a chunk out.
    var lockedUntilCommit: Set<Int> = []
    private var changesSinceCommit: [Int]
    /// Commit time of the last transaction that was looked at.
    var lastTime: Int64 = 0
    /// By the source's clock, what it had committed until then is before `position`; and what the last commit said of it.
    var sourceTime: Int64?
    private var committedTime: Int64 = 0

    /// By binding: where the link is in its window.
    var phases: [TimeWindow.Phase]
    let hasWindows: Bool

    /// Rows whose values the log has still to prove (see `follow`). They keep a commit from coming until a round is over.
    var uncertain: UncertainRows
    var hasGaps: Bool { !uncertain.isEmpty }
    /// The open round; nil while nothing is uncertain.
    var round: ProofRound?
    /// Up to here the destination has everything for sure: `committed`, or before the first change whose row is still uncertain.
    private(set) var whole: LogPosition

    /// See `Transactor`.
    lazy var parents = transactor.parents
    /// By binding: tables that are further than the link (see `storeApart`). No chunk is read while there are any.
    var ahead: [Int: Ahead]

    var held: [HeldChanges?]
    /// By binding: what the log has named while a sweep's chunk is under way.
    var touched: [TouchedKeys?]
    var sweeps = 0
    var deliveries: [ChunkDelivery?]
    var ready: [ChunkDelivery] = []
    var waitingDesks: [ChunkDesk] = []
    var target: LogPosition?
    /// Threads that read chunks now, and what starts some more.
    var readers = 0
    var summonReaders: (() throws -> Int)?
    /// Signals of the open transaction.
    var signals: [String] = []
    /// What is left of a batch in which a signal has the log wait, from an event on.
    var suspended: (batch: ChangeBatch, index: Int)?

    /// A transaction of the log that has begun and not ended.
    struct OpenTransaction {
        var id: UInt32
        var position: LogPosition
        var time: Int64
        /// The number of the next change.
        var sequence: Int64 = 0
        /// The destination has it already.
        var isSkipped: Bool
    }

    init(
        spec: LinkSpec, shapes: [TableShape], transactor: any Transactor, backfills: any LinkBackfills,
        capture: any Capture, mailbox: LinkMailbox, status: LinkStatus, observer: any RunObserver,
        position: LogPosition, shapesAhead: [Int: ShapeAhead] = [:], readFrom: [Int: LogPosition] = [:]
    ) throws {
        self.spec = spec
        self.shapesAhead = shapesAhead
        self.readFrom = readFrom
        self.transactor = transactor
        self.backfills = backfills
        self.capture = capture
        self.mailbox = mailbox
        self.status = status
        self.observer = observer
        self.position = position
        committed = position
        whole = position
        buffer = try LinkBuffer(bindings: spec.bindings, shapes: shapes)
        chunkShapes = spec.bindings.map { shapes[$0.table] }
        var byTable = [[Int]](repeating: [], count: shapes.count)
        for (index, binding) in spec.bindings.enumerated() { byTable[binding.table].append(index) }
        bindingsOfTable = byTable
        changesSinceCommit = Array(repeating: 0, count: spec.bindings.count)
        phases = spec.bindings.indices.map(backfills.phase)
        hasWindows = spec.bindings.contains { $0.window != nil }
        uncertain = UncertainRows(bindings: spec.bindings.count)
        ahead = Link.ahead(transactor, spec)
        held = Array(repeating: nil, count: spec.bindings.count)
        touched = Array(repeating: nil, count: spec.bindings.count)
        deliveries = Array(repeating: nil, count: spec.bindings.count)
        status.durable = position
    }

    /// Runs until the capture has ended, then commits what is whole.
    func run() throws {
        defer { leave() }
        do {
            pass(on: backfills.takeRemarks())
            awaitShapes()
            while try step() {}
        } catch var error as RunError {
            error.task = error.task ?? spec.materialization
            error.gap = error.gap ?? gap(behind: error)
            throw error
        }
    }

    private func step() throws -> Bool {
        try finishReadyChunks()
        try beginSignalled()
        try takeUpShapes()
        answerDesks()
        try noteProgress()
        if let (batch, index) = suspended, !holdsLog {
            suspended = nil
            try process(batch, from: index)
            try settle()
            return true
        }
        switch mailbox.next(wait: 1000, holdsLog: holdsLog) {
        case .message(let message):
            try handle(message)
        case .batch(let batch):
            try process(batch)
            try settle()
        case .end:
            try finish()
            return false
        case nil:
            try watchFence()
            try hurryProofs()
        }
        return true
    }

    /// A link without changes would not hear that another runner has taken it over, and hold the slot that one waits for.
    private func watchFence() throws {
        guard !transactor.isOpen, deliveries.allSatisfy({ $0 == nil }) else { return }
        try transactor.confirmFence()
    }

    /// Whether so much is buffered that it should be stored now.
    var isBufferFull: Bool { buffer.changes >= Link.storeChanges || buffer.batchBytes >= Link.storeBytes }

    /// Stores what is large, commits what is whole and has nothing waiting behind it. Several writers can store what is whole:
    /// for the end of the open transaction is waited, up to twice the bounds.
    private func settle() throws {
        let isLarge = buffer.bytes >= Link.storeBytes || buffer.changes >= Link.storeChanges
        let isTooLarge = buffer.bytes >= 2 * Link.storeBytes || buffer.changes >= 2 * Link.storeChanges
        if isLarge, transactor.writers == 1 || isTooLarge || transactor.isOpen || hasGaps { try store() }
        guard transaction == nil else { return }
        lookAtRound()
        let isDue = hasGaps ? isRoundOver : isLarge || isTargetPassed || !mailbox.hasBatch
        guard position > committed || isTimeDue, isDue else { return }
        try commit()
    }

    /// Whether a commit would have the link caught up: under traffic that never pauses nothing else may have it commit for long.
    private var isTargetPassed: Bool { target.map { !status.isCaughtUp && whole < $0 && $0 <= position } ?? false }

    private var isTimeDue: Bool { (sourceTime ?? 0) - committedTime >= Link.clockInterval }

    /// Hands everything that is folded to the destination's open transaction.
    func store() throws {
        guard !buffer.isEmpty else { return }
        for (index, part) in buffer.parts.enumerated() { changesSinceCommit[index] += part.count }
        try storeBuffer(into: transactor)
        try transactor.flush()
    }

    /// Commits everything up to `position`, between two transactions.
    func commit() throws {
        for (index, part) in buffer.parts.enumerated() { changesSinceCommit[index] += part.count }
        let base = try keepDoubts()
        let streaming = backfills.passed(position)
        changedStates.formUnion(streaming)
        var states: [Int: BindingCheckpoint] = [:]
        for index in changedStates { states[index] = backfills.state(of: index) }
        let checkpoint = LinkCheckpoint(
            position: position, captureState: try backfills.captureState(at: position), time: sourceTime)
        if mayStandApart(states) {
            try buffer.storeApart(into: transactor, at: checkpoint, together: Link.together)
        } else {
            try storeBuffer(into: transactor)
        }
        try transactor.commit(checkpoint, bindings: states, signals: backfills.takeSignals())
        committed = position
        whole = max(whole, base)
        committedTime = sourceTime ?? committedTime
        status.durable = position
        changedStates.removeAll()
        uncertain.forgetWhole()
        lockedUntilCommit.removeAll()
        for index in changesSinceCommit.indices where changesSinceCommit[index] > 0 {
            observer.committed(
                task: spec.materialization, binding: name(of: index), changes: changesSinceCommit[index],
                position: position, time: lastTime)
            changesSinceCommit[index] = 0
        }
        for index in streaming where states[index]?.phase == .streaming {
            observer.record(
                RunEvent(.streaming, task: spec.materialization, binding: name(of: index), position: position))
        }
    }

    /// Commits if something between the last commit and the boundary is uncommitted.
    func commitIfNeeded() throws {
        if position > committed || !changedStates.isEmpty || transactor.isOpen || !buffer.isEmpty
            || backfills.hasSignals
        {
            try commit()
        }
    }

    /// Says once that all is there which the source had as the backfills ended, and what the link waits for until then.
    private func noteProgress() throws {
        var awaited = backfills.awaitedPosition
        if awaited != .zero, awaited <= position, transaction == nil, !hasGaps {
            // An idle source: what the chunks waited for had been passed before they were read.
            try commit()
            awaited = backfills.awaitedPosition
        }
        if target == nil, backfills.isAtRest, ahead.isEmpty { target = try capture.committedPosition() }
        if let target, !status.isCaughtUp {
            if whole >= target, awaited == .zero {
                status.isCaughtUp = true
                observer.record(RunEvent(.caughtUp, task: spec.materialization, position: committed))
            } else {
                awaited = max(awaited, target)
            }
        }
        for delivery in ready { awaited = max(awaited, delivery.chunk.awaited) }
        awaited = max(awaited, uncertain.until)
        status.awaited = awaited
    }

    /// The capture has ended: what is whole is kept, what is not is given up.
    private func finish() throws {
        abandonAllChunks()
        if transaction == nil, !hasGaps, position > committed || !changedStates.isEmpty || backfills.hasSignals {
            try commit()
        } else {
            buffer.clear()
            transactor.rollback()
        }
    }

    /// Frees everybody who waits for this thread.
    private func leave() {
        mailbox.close()
        abandonAllChunks()
        for desk in waitingDesks { desk.reply(.nothingLeft) }
        waitingDesks.removeAll()
        summonReaders = nil
        mailbox.refuseMessages { message in
            switch message {
            case .wantsChunk(let desk): desk.reply(.nothingLeft)
            case .ready(let delivery):
                delivery.writer?.abandon()
                delivery.settle()
            case .bounded, .gaveUp: break
            }
        }
    }

    func pass(on remarks: [(binding: Int, message: String)]) {
        for remark in remarks {
            var event = RunEvent(.warning, task: spec.materialization, binding: name(of: remark.binding))
            event.message = remark.message
            observer.record(event)
        }
    }

    func name(of binding: Int) -> String {
        "\(spec.bindings[binding].schema).\(spec.bindings[binding].name)"
    }
}
