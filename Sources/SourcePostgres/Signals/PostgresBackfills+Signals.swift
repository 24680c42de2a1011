import Connectors
import Postgres

/// Operators' signals on one link.
///
/// Rules:
/// - A signal takes effect once for each link, at its place in the log: its record goes into the commit that passes the place.
/// - A table is read for one signal at a time, in the order in which they were taken. A blocking one waits until nothing else is
///   being read, and what was taken after it waits for it.
/// - What is wrong with a signal ends this signal, with a record that says why, and never the link.
extension PostgresBackfills {
    /// A table that is being read goes on for the signal that it was begun for.
    func resumeSignals() {
        for snapshot in queue.snapshots {
            for (number, item) in snapshot.items.enumerated() where !item.state.isFinal {
                guard let binding = item.binding else {
                    queue.change(snapshot.place, number) {
                        $0.state = .failed
                        $0.isBegun = false
                        $0.error = "\($0.table) is no longer fed to its destination: out of the catalog, or disabled"
                    }
                    continue
                }
                guard item.isBegun else { continue }
                if tables[binding].state.signal?.place == snapshot.place {
                    tables[binding].isPaused = item.state == .paused
                    continue
                }
                queue.change(snapshot.place, number) {
                    $0.state = .stopped
                    $0.isBegun = false
                    $0.error = "\($0.table) is read from its beginning for another reason"
                }
            }
        }
    }

    var hasSignals: Bool { queue.hasChanged }

    func takeSignals() -> [SignalRecord] { queue.takeChanged() }

    func signalsIncluding(_ chunk: Chunk) -> [SignalRecord] {
        progress(of: chunk.binding, with: chunk).map { [$0.record] } ?? []
    }

    /// The signal that a binding is read for, as it is with a chunk.
    func progress(of binding: Int, with chunk: Chunk) -> SnapshotSignal? {
        guard let (found, item) = queue.reading(binding) else { return nil }
        var snapshot = found
        var table = tables[binding]
        PostgresBackfills.add(chunk, to: &table)
        snapshot.items[item].rows = table.checkpoint.rows
        if !table.isReading {
            snapshot.items[item].state = .done
            snapshot.items[item].isBegun = false
        }
        return snapshot
    }

    // MARK: - Taking

    func take(_ signal: String, at position: LogPosition) throws -> [Int] {
        guard let note = SignalNote(signal), !queue.isKnown(note) else { return [] }
        func record(_ state: SignalRecord.State, _ tables: [String] = [], _ error: String? = nil) {
            queue.add(
                ended: SignalRecord(
                    place: note.place, id: note.id, type: note.type, tables: tables, state: state, error: error,
                    position: position))
        }
        let request =
            note.isTooLong
            ? SignalRequest.invalid("it is longer than \(Quantity.bytes(Int64(SignalNote.mostBytes)))")
            : SignalRequest(type: note.type, data: note.data)
        switch request {
        case .none: return []
        case .invalid(let reason):
            remark("signal \(note.id): \(reason)")
            record(.failed, [], reason)
            return []
        case .log(let message):
            remark("signal \(note.id) says: \(message)")
            record(.done)
            return []
        case .snapshot(let request):
            try take(request, note, position)
            return []
        case .stop(let patterns):
            return try steer(note, patterns, record) { state in state.isFinal ? nil : .stopped }
        case .pause(let patterns):
            return try steer(note, patterns, record) { state in state == .queued || state == .running ? .paused : nil }
        case .resume(let patterns):
            return try steer(note, patterns, record) { state in state == .paused ? .running : nil }
        }
    }

    private func take(_ request: SignalRequest.Snapshot, _ note: SignalNote, _ position: LogPosition) throws {
        var items: [SnapshotSignal.Item] = []
        func fail(_ table: String, _ error: String) {
            items.append(SnapshotSignal.Item(table: table, state: .failed, error: error))
        }
        var matched: [String] = []
        for pattern in request.patterns {
            switch try matches(of: pattern) {
            case .failure(let reason): fail(pattern, reason.text)
            case .success(let names):
                if names.isEmpty { fail(pattern, "\(pattern) is no captured table, and matches none") }
                matched += names.filter { !matched.containsName($0) }
            }
        }
        var conditions: [(names: [String], filter: String)] = []
        for condition in request.conditions {
            switch try matches(of: condition.pattern, ignoringCase: true) {
            case .failure(let reason): fail(condition.pattern, reason.text)
            case .success(let names): conditions.append((names, condition.filter))
            }
        }
        for (binding, table) in tables.enumerated() where matched.containsName(SignalTables.name(of: table.table)) {
            let name = SignalTables.name(of: table.table)
            var item = SnapshotSignal.Item(
                table: name, schema: table.binding.schema, name: table.binding.name, state: .queued)
            item.condition = conditions.first { $0.names.containsName(name) }?.filter
            item.surrogateKey = request.surrogateKey
            item.binding = binding
            items.append(item)
        }
        items += disabled.filter { matched.containsName($0.table) }
        guard !items.isEmpty else { return }
        let snapshot = SnapshotSignal(
            place: note.place, id: note.id, isBlocking: request.isBlocking, position: position, items: items)
        for error in items.compactMap(\.error) { remark("signal \(note.id): \(error)") }
        queue.add(snapshot)
    }

    /// Gives the items whose tables one of the patterns matches another state, where `change` has one for theirs.
    private func steer(
        _ note: SignalNote, _ patterns: [String], _ record: (SignalRecord.State, [String], String?) -> Void,
        _ change: (SignalRecord.State) -> SignalRecord.State?
    ) throws -> [Int] {
        var named: [String] = []
        for pattern in patterns {
            switch try matches(of: pattern) {
            case .failure(let reason):
                remark("signal \(note.id): \(reason.text)")
                record(.failed, [], reason.text)
                return []
            case .success(let names): named += names
            }
        }
        var changed: [String] = []
        var abandoned: [Int] = []
        for snapshot in queue.snapshots {
            for (number, item) in snapshot.items.enumerated() where patterns.isEmpty || named.containsName(item.table) {
                guard let binding = item.binding, var state = change(item.state) else { continue }
                if state == .running, !item.isBegun { state = .queued }
                if !changed.containsName(item.table) { changed.append(item.table) }
                if item.isBegun {
                    tables[binding].isPaused = state == .paused
                    if state == .paused { tables[binding].state.goOnWithLog(isLog: tables[binding].isLog) }
                    if state == .stopped {
                        tables[binding].state.end()
                        abandoned.append(binding)
                    }
                }
                queue.change(snapshot.place, number) {
                    $0.state = state
                    if state == .stopped { $0.isBegun = false }
                }
            }
        }
        guard !changed.isEmpty else {
            let reason = "no snapshot of a signal is there that it could change"
            remark("signal \(note.id): \(reason)")
            record(.failed, [], reason)
            return []
        }
        record(.done, changed, nil)
        return abandoned
    }

    /// A signal that was sent before the link began: it has no rows to be read again.
    func passOver(_ note: SignalNote, at position: LogPosition) {
        guard !queue.isKnown(note) else { return }
        queue.add(
            ended: SignalRecord(
                place: note.place, id: note.id, type: note.type, state: .stopped,
                error: "it was sent before this destination's first row", position: position))
    }

    private func remark(_ text: String) { signalRemarks.append(text) }

    private func matches(
        of pattern: String, ignoringCase: Bool = false
    ) throws -> Result<[String], SignalTables.Unreadable> {
        try ask("match tables") { try signals.matches(of: pattern, ignoringCase: ignoringCase, $0) }
    }

    // MARK: - Beginning

    func beginSignalled(
        excluding busy: Set<Int>, parked: Set<Int>, mayHoldLog: Bool, shapes: (Int) -> TableShape
    ) throws -> [Int] {
        guard !queue.isEmpty else { return [] }
        refuseParked(parked)
        endWhatIsRead()
        var begun: [Int] = []
        var taken: Set<Int> = []
        for snapshot in queue.snapshots {
            if snapshot.isBlocking, snapshot.items.contains(where: { $0.state == .queued && !$0.isBegun }) {
                let isAlone = tables.indices.allSatisfy { index in
                    guard !tables[index].isInFlight, !busy.contains(index) else { return false }
                    return !tables[index].isReading || tables[index].isPaused
                        || tables[index].state.signal?.place == snapshot.place
                }
                guard isAlone, mayHoldLog, begun.isEmpty else { return begun }
            }
            for (number, item) in snapshot.items.enumerated() {
                guard let binding = item.binding, !item.state.isFinal else { continue }
                defer { taken.insert(binding) }
                let table = tables[binding]
                guard item.state == .queued, !taken.contains(binding), !busy.contains(binding), !table.isReading,
                    !table.state.filter.isFiltering, !table.isInFlight
                else { continue }
                if try begin(item, number, of: snapshot, shapes(binding)) { begun.append(binding) }
            }
        }
        return begun
    }

    /// Rows that are read now would be overwritten by the older changes that wait.
    private func refuseParked(_ parked: Set<Int>) {
        for snapshot in queue.snapshots {
            for (number, item) in snapshot.items.enumerated() where !item.state.isFinal && !item.isBegun {
                guard let binding = item.binding, parked.contains(binding) else { continue }
                fail(
                    snapshot, number,
                    "\(item.table): its destination's table is parked; flowctl retry stores the changes that wait")
            }
        }
    }

    /// Begins to read a table for a signal; false where it can't be, which ends the item.
    private func begin(
        _ item: SnapshotSignal.Item, _ number: Int, of snapshot: SnapshotSignal, _ shape: TableShape
    ) throws -> Bool {
        guard let binding = item.binding else { return false }
        let table = tables[binding]
        do {
            let (order, writers) = try ask("begin a snapshot of") { connection in
                if snapshot.isBlocking, table.bindingCondition != nil {
                    throw RunError(
                        .needsOperator, operation: "read in one go", object: "table \(table.table.name)",
                        message: "its binding has a backfill filter, and a BLOCKING snapshot reads whole tables",
                        hint: "send an INCREMENTAL one")
                }
                if table.binding.window != nil || table.state.window?.phase == .over {
                    throw RunError(
                        .needsOperator, operation: "read again", object: "table \(table.table.name)",
                        message: "its binding takes a part of the history only (notBefore, notAfter)",
                        hint: "raise `backfill` of its binding")
                }
                if table.binding.isKeylessMirror, item.condition != nil {
                    throw RunError(
                        .needsOperator, operation: "read some rows of", object: "table \(table.table.name)",
                        message:
                            "its collection has no key: rows that satisfy a condition can't be told from others there",
                        hint: "send a signal without a condition")
                }
                let order = try signals.order(of: table, by: item.surrogateKey, shape, connection)
                if let condition = item.condition { try signals.tryOut(condition, on: table.table, connection) }
                return (order, try TableWriters.running(on: [table.table], connection))
            }
            // Nobody noted what the stream showed while the table was not being read: it may not be visible yet.
            for writer in writers { delivered.append(writer) }
            tables[binding].order = order
            tables[binding].state.order = order.names
            let sweeps = !table.isLog && table.binding.deletes != .ignore && !table.binding.isKeylessMirror
            tables[binding].state.begin(
                BackfillState.Order(
                    place: snapshot.place, condition: item.condition, isBlocking: snapshot.isBlocking),
                rows: table.checkpoint.rows, sweeps: sweeps, isLog: table.isLog)
            tables[binding].checkpoint.rows = 0
            tables[binding].checkpoint.bytes = 0
            tables[binding].isPaused = false
            queue.change(snapshot.place, number) {
                $0.state = .running
                $0.isBegun = true
            }
            return true
        } catch let error as RunError where error.task == nil {
            let reason = error.description + (error.hint.map { "; \($0)" } ?? "")
            fail(snapshot, number, reason)
            return false
        }
    }

    private func fail(_ snapshot: SnapshotSignal, _ number: Int, _ reason: String) {
        remark("signal \(snapshot.id): \(reason)")
        queue.change(snapshot.place, number) {
            $0.state = .failed
            $0.isBegun = false
            $0.error = reason
        }
    }

    /// The chunk can't be read, and never could be: its signal ends for this table.
    func fail(_ chunk: TableChunk, because reason: String) {
        fail(binding: chunk.binding, because: "table \(chunk.table.name): \(reason)")
    }

    /// The table can't be read for its signal any more.
    func fail(binding: Int, because reason: String) {
        tables[binding].state.end()
        guard let (snapshot, item) = queue.reading(binding) else { return }
        fail(snapshot, item, reason)
    }

    /// Tables of which there is nothing left to read although no chunk was the last: they were truncated.
    private func endWhatIsRead() {
        for binding in tables.indices where !tables[binding].isReading && !tables[binding].isInFlight {
            guard let (snapshot, item) = queue.reading(binding) else { continue }
            queue.change(snapshot.place, item) {
                $0.state = .done
                $0.isBegun = false
            }
        }
    }
}
