import Connectors

/// Brings what is parked of a link's tables into them (`flowctl retry`), whether or not a runner of the link is up.
///
/// The changes of many commits are folded by key before they are stored, as a backlog of the log is: a row that was refused
/// and has been mended at the source since is stored as it was mended. Tables are drained together, in the order of their
/// changes, so that rows come after those that they refer to; one that is still refused is left out, and the others go on.
public struct ParkDrain {
    /// Bytes of rows folded before they are stored.
    private static let storeBytes = 12 << 20

    /// What became of one table's park.
    public struct Outcome: Sendable {
        /// The binding's place in the link.
        public var binding: Int
        /// Changes that were stored.
        public var changes: Int64 = 0
        /// Nothing waits any more: the table takes its changes from the log again.
        public var isDrained = false
        /// Why the rest still waits; nil where nothing does, and where the run was stopped.
        public var error: RunError?
    }

    let link: LinkSpec
    let materialization: any Materialization
    let stop: StopSignal

    public init(link: LinkSpec, materialization: any Materialization, stop: StopSignal) {
        self.link = link
        self.materialization = materialization
        self.stop = stop
    }

    /// Drains the parks of these bindings as far as they can be; those that have none are not among the outcomes. Throws what
    /// keeps all from being drained.
    public func run(_ bindings: Set<Int>) throws -> [Outcome] {
        var outcomes: [Int: Outcome] = [:]
        var wanted = bindings
        for (binding, error) in try disabled(bindings) {
            wanted.remove(binding)
            outcomes[binding] = Outcome(binding: binding, error: error)
        }
        var refused: [Int: RunError] = [:]
        while !wanted.isEmpty, !stop.isRequested {
            let part: [Int: DrainedPart]
            do {
                part = try piece(wanted)
            } catch let error as RunError where error.kind == .needsOperator && error.binding != nil {
                guard let place = link.bindings.firstIndex(where: { $0.index == error.binding }), wanted.contains(place)
                else { throw error }
                refused[place] = error
                wanted.remove(place)
                continue
            }
            guard !part.isEmpty else { break }
            for (binding, part) in part {
                outcomes[binding, default: Outcome(binding: binding)].changes += part.changes
                if part.isAll {
                    outcomes[binding]?.isDrained = true
                    wanted.remove(binding)
                }
            }
            // What was in the way of another table can be there now.
            wanted.formUnion(refused.keys)
            refused.removeAll()
        }
        for (binding, error) in refused {
            try materialization.note(error, ofParked: link.bindings[binding], of: link)
            outcomes[binding, default: Outcome(binding: binding)].error = error
        }
        return outcomes.values.sorted { $0.binding < $1.binding }
    }

    /// Parked tables that take no changes any more: what waits would make none of them whole.
    private func disabled(_ bindings: Set<Int>) throws -> [Int: RunError] {
        let stored = try materialization.status().first { $0.capture.isSameName(as: link.capture) }?.tables ?? []
        var errors: [Int: RunError] = [:]
        for place in bindings {
            let binding = link.bindings[place]
            guard
                let table = stored.first(where: {
                    $0.schema.isSameName(as: binding.schema) && $0.name.isSameName(as: binding.name)
                }), table.park != nil, table.state.phase == .disabled
            else { continue }
            let why = table.error.map { ": " + String($0.prefix { $0 != "\n" }) } ?? ""
            errors[place] = RunError(
                .needsOperator, operation: "drain", object: "table \(binding.schema).\(binding.name)",
                message: "it takes no changes until it is read again, and what waits would not make it whole\(why)",
                hint: "mend what had its row refused; then \(binding.readingAgain(in: link))",
                task: link.materialization, binding: binding.index)
        }
        return errors
    }

    /// Drains one piece of the bindings' parks; nothing where they have none.
    private func piece(_ bindings: Set<Int>) throws -> [Int: DrainedPart] {
        let session = try materialization.openPark(link)
        defer { session.close() }
        guard try !session.begin(bindings).isEmpty else { return [:] }
        var folds = ParkFolds(link: link)
        while let entry = try session.next() {
            switch entry.kind {
            case .changes(let changes, let shape, let rows):
                if folds.bytes >= ParkDrain.storeBytes { try folds.store(into: session) }
                try folds.add(changes, shape, rows, of: entry.binding, orInto: session)
            case .log(let changes, let shape, let rows):
                let pool = RowPool()
                let number = pool.add(rows)
                let moved = changes.map { change in
                    var change = change
                    if !change.row.isNone { change.row.batch = number }
                    return change
                }
                try session.append(ContiguousArray(moved), binding: entry.binding, shape: shape, rows: pool)
            case .truncate:
                try folds.store(into: session)
                try session.truncate([entry.binding])
            case .evolve(let shape):
                try folds.store(into: session)
                _ = try session.evolve(entry.binding, to: shape)
            }
        }
        try folds.store(into: session)
        return try session.finish()
    }
}

/// Sets of net changes that follow each other, folded to one set a table.
struct ParkFolds {
    private struct Part {
        var shape: TableShape
        var fold: UpsertFold
    }

    private let link: LinkSpec
    private let pool = RowPool()
    private var parts: [Int: Part] = [:]
    private var batchBytes = 0

    init(link: LinkSpec) {
        self.link = link
    }

    /// Memory of what is not stored yet.
    var bytes: Int { parts.values.reduce(batchBytes) { $0 + $1.fold.mergedBytes } }

    /// Folds a set on top of those before it. One in which rows moved that the update left values out of is stored as it is:
    /// where those values are is said of the table as it was before the set.
    mutating func add(
        _ changes: ContiguousArray<NetChange>, _ shape: TableShape, _ rows: ChangeBatch, of binding: Int,
        orInto target: any RowStore
    ) throws {
        let hasMoved = changes.contains { !$0.origin.isNone }
        if hasMoved || parts[binding].map({ $0.shape !== shape }) ?? false { try store(into: target) }
        let number = pool.add(rows)
        batchBytes += rows.footprint
        let placed = changes.map { ParkFolds.placed($0, number) }
        if hasMoved {
            try target.store(ContiguousArray(placed), binding: binding, shape: shape, rows: pool)
            return clear()
        }
        var part = try parts[binding] ?? part(of: binding, shape)
        for change in placed where change.operation == .delete { ParkFolds.fold(change, into: &part.fold) }
        for change in placed where change.operation != .delete { ParkFolds.fold(change, into: &part.fold) }
        parts[binding] = part
    }

    private func part(of binding: Int, _ shape: TableShape) throws -> Part {
        let spec = link.bindings[binding]
        let key = spec.key.compactMap { shape.index(of: $0) }
        guard key.count == spec.key.count else {
            throw RunError(
                .needsOperator, operation: "drain", object: "table \(spec.schema).\(spec.name)",
                message: "its key is another one than what is parked of it was told apart by",
                hint: "have it read again: \(spec.readingAgain(in: link))", task: link.materialization,
                binding: spec.index)
        }
        return Part(
            shape: shape, fold: UpsertFold(keyColumns: key, columnCount: shape.columns.count, pool: pool))
    }

    private static func placed(_ change: NetChange, _ batch: Int32) -> NetChange {
        var change = change
        if !change.row.isNone { change.row.batch = batch }
        if !change.image.isNone { change.image.batch = batch }
        if !change.origin.isNone { change.origin.batch = batch }
        return change
    }

    /// A net change as the changes that it came of, as far as they differ.
    private static func fold(_ change: NetChange, into fold: inout UpsertFold) {
        if change.operation == .delete {
            if !change.image.isNone { fold.update(change.image, old: .none, hasUnchanged: change.hasUnchanged) }
            fold.delete(change.row)
        } else if change.isNew {
            fold.insert(change.row)
            if change.operation == .update { fold.update(change.row, old: .none, hasUnchanged: false) }
        } else if change.operation == .create {
            fold.delete(change.row)
            fold.insert(change.row)
        } else {
            fold.update(change.row, old: .none, hasUnchanged: change.hasUnchanged)
        }
    }

    /// Stores everything, and forgets it.
    mutating func store(into target: any RowStore) throws {
        let stored = parts.sorted { $0.key < $1.key }.filter { !$0.value.fold.isEmpty }.map { binding, part in
            StoredPart(binding: binding, shape: part.shape, changes: .net(part.fold.changes))
        }
        try target.store(stored, rows: pool)
        clear()
    }

    private mutating func clear() {
        parts.removeAll()
        pool.removeAll()
        batchBytes = 0
    }
}
