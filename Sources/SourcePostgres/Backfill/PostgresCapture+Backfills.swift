import Connectors
import Postgres

extension PostgresCapture {
    public func backfills(
        of link: LinkSpec, start: CaptureStart, checkpoint: LinkCheckpoint, states: [BindingCheckpoint],
        signals: StoredSignals?
    ) throws -> any LinkBackfills {
        let found = try prepared()
        guard let identity = LogIdentity(text: checkpoint.captureState) else {
            throw RunError(
                .internal, operation: "read", object: "the capture state in flow.checkpoints",
                message: "it is not what this version writes", task: link.materialization)
        }
        var backfills: [TableBackfill] = []
        var begun: [TableSource] = []
        var failures: [(binding: Int, reason: String)] = []
        for (binding, state) in zip(link.bindings, states) {
            try requireKey(binding, found, link)
            let source = found.sources[binding.table]
            var state = state
            var backfill = BackfillState(isCopied: binding.skipsBackfill)
            if !binding.skipsBackfill, state.isReadAgain || (state.phase == .pending && binding.readsSomeRows) {
                backfill = BackfillState(
                    over: try? BackfillState(text: state.backfill), rows: state.rows,
                    sweeps: state.isReadAgain && binding.mode == .upsert && binding.deletes != .ignore
                        && !binding.isKeylessMirror,
                    isLive: binding.readsSomeRows)
            } else if state.phase != .pending, !state.backfill.isEmpty, !state.isReadAgain {
                backfill = try BackfillState(text: state.backfill)
                if let identity = backfill.identity, identity != source.identity, backfill.window?.phase != .over {
                    throw replaced(source, binding, link)
                }
            }
            if state.phase != .pending, let record = (try? BackfillState(text: state.backfill))?.record {
                try requireKeyTexts(record, source, found.shapes[binding.table], binding, link)
            }
            try take(binding.window, into: &backfill, source, binding, link)
            // What is over lacks nothing that the log doesn't show.
            let isOver = backfill.window?.phase == .over
            if let known = backfill.publication, known != source.publication, !isOver {
                throw altered(source, binding, link)
            }
            if let reason = state.refusal, backfill.signal != nil, backfill.isReading {
                backfill.end()
                failures.append((backfills.count, "table \(source.name): \(reason)"))
            }
            state.refusal = nil
            let isAsked = state.isReadAgain
            if isAsked { (state.rows, state.bytes, state.isReadAgain) = (0, 0, false) }
            if !isOver, let gap = try gap(&backfill, isAsked ? nil : state.gap, source, binding, link) {
                let isFromStart = backfill.mend(
                    gap, rows: state.rows, sweeps: binding.deletes != .ignore && !binding.isKeylessMirror)
                state.gap = gap
                if isFromStart {
                    (state.rows, state.bytes, state.estimatedRows) = (0, 0, source.estimatedRows)
                    state.isReadAgain = true
                }
            } else {
                state.gap = nil
            }
            if signals != nil, isAsked || state.isReadAgain || state.phase == .pending || state.backfill.isEmpty {
                backfill.readFrom = source.found.record.place
            }
            var dropped: RunError?
            let order: KeyOrder
            do {
                order = try self.order(of: binding, state: backfill, found, link)
            } catch let error as RunError where backfill.signal != nil && backfill.isReading && !error.isPassing {
                backfill.end()
                dropped = error
                order = try self.order(of: binding, state: backfill, found, link)
            }
            if let known = backfill.sorting, backfill.filter.frontier != nil || !backfill.filter.ranges.isEmpty,
                !isOver, dropped == nil, !order.keepsPlaces(of: known)
            {
                var error = KeyOrder.moved(source, began: order.names)
                error.kind = .needsOperator
                error.hint = "have it read again: \(binding.readingAgain(in: link))"
                error.task = link.materialization
                error.binding = binding.index
                error.incompatibility = .init()
                throw error
            }
            if backfill.hasNotBegun { begun.append(source) }
            backfill.identity = source.identity
            backfill.publication = source.publication
            backfill.order = order.names
            backfill.orderTypes = order.isByColumn ? order.types : nil
            backfill.seen = (source.storage.files, source.storage.lastColumn)
            if let dropped { failures.append((backfills.count, dropped.description)) }
            var table = TableBackfill(
                table: source, binding: binding, order: order,
                priority: tables[binding.table].priority,
                key: found.shapes[binding.table].columns(named: binding.key), isLog: binding.mode == .insert,
                bindingCondition: backfillCondition(of: tables[binding.table]),
                state: backfill,
                checkpoint: state, size: ChunkSize(fixed: config.chunkRows, bytes: config.chunkBytes))
            // What went with a partition was stored before the place of the look that missed it, so it is there to be looked at
            // only then.
            if backfill.because != nil, backfill.sweep != nil {
                table.blockedUntil = state.gap == nil ? backfill.record?.place ?? .zero : source.found.record.place
            }
            if backfill.doubtedUntil > checkpoint.position { table.inDoubtUntil = backfill.doubtedUntil }
            backfills.append(table)
        }
        let connect = self.connect
        var now = found.identity
        (now.last, now.keepsLast) = (identity.last, identity.keepsLast)
        // Nobody noted what the stream showed while no table was being read: it may not be visible yet. Whoever did it holds
        // a lock on the table until it is.
        let writers = identity.base == nil ? try TableWriters.running(on: begun, connect) : []
        let made = PostgresBackfills(
            name: name, tables: backfills,
            delivered: DeliveredTransactions(base: identity.base, pending: identity.pending + writers),
            identity: now, isReadOnly: config.isReadOnly,
            queue: SignalQueue(signals ?? StoredSignals(), bindings: link.bindings),
            signals: SignalTables(names: found.sources.map(SignalTables.name)),
            disabled: link.disabled.map { binding in
                SnapshotSignal.Item(
                    table: SignalTables.name(of: found.sources[binding.table]), schema: binding.schema,
                    name: binding.name, state: .failed,
                    error: "\(binding.schema).\(binding.name) is disabled at this destination; "
                        + binding.readingAnew(in: link))
            },
            connect: { try connect() })
        if signals == nil, let path = config.signalFile {
            // They were for those who had something to read again.
            let notes = (try? SignalFile(path: path).notes(from: 0).notes) ?? []
            for note in notes { made.passOver(note, at: checkpoint.position) }
        }
        for failure in failures {
            made.fail(binding: failure.binding, because: failure.reason)
        }
        return made
    }

    public func readsForSignal(_ state: BindingCheckpoint) -> Bool {
        guard state.phase == .backfilling, let backfill = try? BackfillState(text: state.backfill) else { return false }
        return backfill.signal != nil && backfill.isReading
    }

    /// What the log lacks of the table and the link mends by itself, `known` included, which the log's reading found. Throws where
    /// the link can't.
    private func gap(
        _ backfill: inout BackfillState, _ known: LogGap?, _ source: TableSource, _ binding: LinkBinding,
        _ link: LinkSpec
    ) throws -> LogGap? {
        var gap = known
        if gap?.need != .rows, let seen = backfill.seen,
            let column = source.storage.unknownColumn(since: seen.files, after: seen.lastColumn)
        {
            guard binding.isMendedByReading else {
                var error = TableWatch.unknownPast(
                    source, column, binding.readingAgain(in: link), task: link.materialization, binding: binding.index)
                error.incompatibility = .init()
                throw error
            }
            gap = LogGap(.rows, TableWatch.unknownPast(column)).and(gap)
        }
        return try compare(&backfill, source, binding, link, known: gap)
    }

    /// Goes on with the window that the catalog has now.
    private func take(
        _ window: TimeWindow?, into backfill: inout BackfillState, _ source: TableSource, _ binding: LinkBinding,
        _ link: LinkSpec
    ) throws {
        func refusal(_ message: String) -> RunError {
            RunError(
                .needsOperator, operation: "resume with", object: "table \(source.name)", message: message,
                hint: "have it read again: \(binding.readingAgain(in: link))", task: link.materialization,
                binding: binding.index)
        }
        guard let recorded = backfill.window else {
            if window != nil, backfill.filter.isFiltering, !backfill.isLive {
                throw refusal(
                    "notBefore or notAfter was given to it while its rows are being read: take it out until they are")
            }
            backfill.window = window.map { WindowState($0) }
            return
        }
        guard !recorded.leftOut(by: window) else {
            throw refusal("its notAfter had passed, and is another one now: changes in between were left out")
        }
        backfill.window = WindowState(window, after: recorded)
    }

    private func replaced(_ source: TableSource, _ binding: LinkBinding, _ link: LinkSpec) -> RunError {
        var error = RunError(
            .needsOperator, operation: "resume with", object: "table \(source.name)",
            message: "it was dropped and made anew, or taken out of the publication and put back: changes of the table "
                + "that the destination holds are missing",
            hint: "have it read again: \(binding.readingAgain(in: link))",
            task: link.materialization, binding: binding.index)
        error.incompatibility = .init()
        return error
    }

    private func altered(_ source: TableSource, _ binding: LinkBinding, _ link: LinkSpec) -> RunError {
        let same = "UPDATE flow.bindings SET backfill = (backfill::jsonb - 'publication')::text;"
        return RunError(
            .needsOperator, operation: "resume with", object: "publication \(Identifier(config.publication))",
            message:
                "it was altered since table \(source.name) was last followed: changes that it left out meanwhile are "
                + "missing",
            hint:
                "have the table read again: \(binding.readingAgain(in: link)). Or, where nothing was ever left "
                + "out (another owner or name): \(same)",
            task: link.materialization, binding: binding.index)
    }

    /// Deletes and key updates must carry the key that the destination knows rows by.
    private func requireKey(_ binding: LinkBinding, _ found: Found, _ link: LinkSpec) throws {
        guard binding.mode == .upsert else { return }
        let shape = found.shapes[binding.table]
        let source = found.sources[binding.table]
        guard !binding.isKeylessMirror else {
            return try KeylessMirror.require(binding, source, shape, task: link.materialization)
        }
        for name in binding.key {
            guard let column = shape.columns.first(where: { $0.name.isSameName(as: name) }) else {
                throw RunError(
                    .needsOperator, operation: "follow the key", object: "collection \"\(binding.collection)\"",
                    message: "its key names \"\(name)\", which table \(source.name) has no column for",
                    hint: "columns: " + shape.columns.map(\.name).joined(separator: ", "), task: link.materialization,
                    binding: binding.index)
            }
            guard column.isIdentity else {
                throw RunError(
                    .needsOperator, operation: "follow the key", object: "table \(source.name)",
                    message:
                        "the collection's key has column \"\(name)\", which is not in the table's replica identity: "
                        + "deletes and key updates could not be followed",
                    hint: "ALTER TABLE \(source.name) REPLICA IDENTITY FULL;", task: link.materialization,
                    binding: binding.index)
            }
        }
    }
}
