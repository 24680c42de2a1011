import Connectors
import Synchronization
import TestSupport

/// A destination in memory that keeps what a real one would, commits atomically, and fails where a test wants it to.
final class MemoryMaterialization: Materialization {
    typealias Row = [String?]

    struct Logged: Equatable {
        var operation: Operation
        var row: Row
        var position: LogPosition
        var sequence: Int64
    }

    struct State {
        var fence = 0
        var checkpoint: LinkCheckpoint?
        var bindings: [Int: BindingCheckpoint] = [:]
        /// Upsert tables, by the key's text.
        var tables: [Int: [String: Row]] = [:]
        var logs: [Int: [Logged]] = [:]
        var commits = 0
        /// Rows that the link did not bring may be there.
        var isReadAgain = false
        /// Faults to come: each commit takes one off the front.
        var faults: [Fault] = []
        /// Bindings whose backfill's last commit, still to come, is kept and its answer lost.
        var unanswered: Set<Int> = []
    }

    enum Fault {
        case none
        /// The commit fails and nothing of it is kept.
        case beforeCommit
        /// The commit is kept and its answer is lost.
        case afterCommit
    }

    let name = "memory"
    let state = Mutex(State())

    /// Lets one commit in ten fail, half of them after they took effect.
    func injectFaults(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        state.withLock { state in
            state.faults = (0..<400).map { _ in
                switch Int.random(in: 0..<20, using: &random) {
                case 0: .beforeCommit
                case 1: .afterCommit
                default: .none
                }
            }
        }
    }

    func probe() throws {}

    func open(_ link: LinkSpec) throws -> any Transactor {
        let fence = state.withLock {
            $0.fence += 1
            return $0.fence
        }
        return MemoryTransactor(owner: self, link: link, fence: fence)
    }

    func status() throws -> [StoredLink] { [] }

    func forget(_ binding: LinkBinding, of link: LinkSpec, dropping columns: [String]) throws {}

    func disable(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws {}

    func record(_ error: RunError, of link: LinkSpec) {}

    /// Applies changes if the fence holds, as one.
    func commit(fence: Int, _ changes: [(inout State) throws -> Void]) throws {
        try state.withLock { state in
            guard state.fence == fence else {
                throw RunError(.fenced, operation: "commit", message: "a newer runner has the link")
            }
            let fault = state.faults.isEmpty ? Fault.none : state.faults.removeFirst()
            if fault == .beforeCommit { throw MemoryMaterialization.lost }
            // In place: a copy of everything for each commit took most of the test's time. A change that throws ends the run.
            for change in changes { try change(&state) }
            state.commits += 1
            if fault == .afterCommit { throw MemoryMaterialization.lost }
        }
    }

    static var lost: RunError {
        RunError(.transient, operation: "commit", message: "connection lost")
    }
}

/// What both the transactor and the chunk writers of a memory destination do.
class MemoryStore: RowStore {
    let owner: MemoryMaterialization
    let link: LinkSpec
    let fence: Int
    var pending: [(inout MemoryMaterialization.State) throws -> Void] = []

    init(owner: MemoryMaterialization, link: LinkSpec, fence: Int) {
        self.owner = owner
        self.link = link
        self.fence = fence
    }

    func text(_ rows: RowPool, _ row: RowReference, _ column: Int) -> String? {
        rows.value(row, column).map { String(decoding: $0, as: UTF8.self) }
    }

    func key(_ row: MemoryMaterialization.Row, _ binding: Int, _ shape: TableShape) -> String {
        link.bindings[binding].key.map { name in
            shape.index(of: name).flatMap { row[$0] } ?? "NULL"
        }.joined(separator: "\u{1}")
    }

    func store(_ changes: ContiguousArray<NetChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        struct Copy {
            var change: NetChange
            var row: MemoryMaterialization.Row
            var unchanged: [Int]
            var origin: MemoryMaterialization.Row?
        }
        let columns = shape.columns.indices
        let copies = changes.map { change in
            Copy(
                change: change, row: columns.map { text(rows, change.row, $0) },
                unchanged: columns.filter { rows.field(change.row, $0).isUnchanged },
                origin: change.origin.isNone ? nil : columns.map { text(rows, change.origin, $0) })
        }
        pending.append { [self] state in
            // Taken out, so that it is nobody else's and is changed in place.
            var table = state.tables.removeValue(forKey: binding) ?? [:]
            defer { state.tables[binding] = table }
            let rows = try copies.filter { $0.change.operation != .delete }.map { copy in
                (
                    copy.change,
                    try whole(copy.row, copy.unchanged, in: table, at: copy.origin ?? copy.row, binding, shape)
                )
            }
            for copy in copies where copy.change.operation == .delete {
                table[key(copy.row, binding, shape)] = nil
            }
            for (change, row) in rows {
                let key = key(row, binding, shape)
                if change.isNew, table[key] != nil, !state.isReadAgain {
                    throw RunError(.needsOperator, operation: "store", message: "a new row is there already: \(key)")
                }
                table[key] = row
            }
        }
    }

    /// A row with the values that stay from the one that the table has.
    private func whole(
        _ row: MemoryMaterialization.Row, _ unchanged: [Int], in table: [String: MemoryMaterialization.Row],
        at place: MemoryMaterialization.Row, _ binding: Int, _ shape: TableShape
    ) throws -> MemoryMaterialization.Row {
        guard !unchanged.isEmpty else { return row }
        guard let old = table[key(place, binding, shape)] else {
            throw RunError(.needsOperator, operation: "store", message: "unchanged values of a row that is not there")
        }
        var row = row
        for column in unchanged { row[column] = old[column] }
        return row
    }

    func append(_ changes: ContiguousArray<LoggedChange>, binding: Int, shape: TableShape, rows: RowPool) throws {
        let copies = changes.map { change in
            MemoryMaterialization.Logged(
                operation: change.operation,
                row: change.row.isNone ? [] : shape.columns.indices.map { text(rows, change.row, $0) },
                position: change.position, sequence: change.sequence)
        }
        pending.append { $0.logs[binding, default: []] += copies }
    }

    func truncate(_ bindings: [Int]) throws {
        pending.append { state in
            for binding in bindings { state.tables[binding] = [:] }
        }
    }
}

final class MemoryTransactor: MemoryStore, Transactor {
    var checkpoint: LinkCheckpoint? { owner.state.withLock { $0.checkpoint } }
    var isOpen: Bool { !pending.isEmpty }

    func checkpoint(of binding: Int) -> BindingCheckpoint? { owner.state.withLock { $0.bindings[binding] } }

    func attach(_ tables: [AttachedTable], beginning: LinkCheckpoint?) throws {
        owner.state.withLock { state in
            for (index, table) in tables.enumerated() where state.bindings[index] == nil || table.state.isReadAgain {
                state.bindings[index] = table.state
                state.bindings[index]?.isReadAgain = false
                if table.state.isReadAgain { state.isReadAgain = true }
            }
            if let beginning { state.checkpoint = beginning }
        }
    }

    func confirmFence() throws { try owner.commit(fence: fence, []) }

    func evolve(_ binding: Int, to shape: TableShape) throws -> [String] { [] }

    func flush() throws {}

    func commit(
        _ checkpoint: LinkCheckpoint, bindings: [Int: BindingCheckpoint], signals: [SignalRecord]
    ) throws {
        let changes = pending
        pending = []
        try owner.commit(
            fence: fence,
            changes + [
                { state in
                    state.checkpoint = checkpoint
                    for (index, value) in bindings { state.bindings[index] = value }
                }
            ])
    }

    func rollback() {
        pending = []
    }

    func chunkWriter() throws -> any ChunkWriter { MemoryChunkWriter(owner: owner, link: link, fence: fence) }

    func close() {}
}

final class MemoryChunkWriter: MemoryStore, ChunkWriter {
    private var binding = 0
    private var shape: TableShape?
    private var position = LogPosition.zero
    private var sequence: Int64 = 0
    private var lines: [[UInt8]] = []
    private var isOverlay = false

    func begin(
        _ binding: Int, shape: TableShape, position: LogPosition, firstSequence: Int64, isOverlay: Bool
    ) throws -> RowFormat {
        self.isOverlay = isOverlay
        self.binding = binding
        self.shape = shape
        self.position = position
        sequence = firstSequence
        lines = []
        pending = []
        return .text
    }

    func write(_ row: UnsafeRawBufferPointer) throws {
        lines.append(Array(row))
    }

    func finishRows() throws {
        guard let shape else { return }
        let rows = lines.map { line in
            String(decoding: line.dropLast(), as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
                .map { $0 == "\\N" ? nil : String($0) }
        }
        let first = sequence
        let binding = self.binding
        let position = self.position
        let isOverlay = self.isOverlay
        pending.append { [self] state in
            if link.bindings[binding].mode == .upsert {
                for row in rows {
                    let key = key(row, binding, shape)
                    guard state.tables[binding, default: [:]].updateValue(row, forKey: key) == nil || isOverlay else {
                        throw RunError(
                            .needsOperator, operation: "copy", message: "a copied row is there already: \(key)")
                    }
                }
            } else {
                for (index, row) in rows.enumerated() {
                    state.logs[binding, default: []].append(
                        MemoryMaterialization.Logged(
                            operation: .read, row: row, position: position, sequence: first + Int64(index)))
                }
            }
        }
    }

    func commit(_ binding: Int, state: BindingCheckpoint, isLast: Bool, signals: [SignalRecord]) throws {
        let changes = pending
        pending = []
        try owner.commit(fence: fence, changes + [{ $0.bindings[binding] = state }])
        if isLast, owner.state.withLock({ $0.unanswered.remove(binding) }) != nil { throw MemoryMaterialization.lost }
    }

    func merge(_ binding: Int) throws {}

    func keys(of binding: Int, after key: [String]?, limit: Int) throws -> [[String]] {
        let place = key?.joined(separator: "\u{1}")
        return owner.state.withLock { state in
            (state.tables[binding] ?? [:]).keys.filter { key in place.map { key > $0 } ?? true }.sorted().prefix(limit)
                .map { $0.split(separator: "\u{1}", omittingEmptySubsequences: false).map(String.init) }
        }
    }

    func abandon() {
        pending = []
        lines = []
    }

    func close() {}
}
