import Connectors
import SourcePostgres
import TaskGraph

/// Puts together what sources and destinations say: pure. Tasks and bindings keep the catalog's order.
struct StatusComposition {
    let graph: CompiledGraph
    /// By the task's index in the graph; nothing for a task that was not asked.
    let sources: [Int: Result<CaptureStatus, RunError>]
    let destinations: [Int: Result<[StoredLink], RunError>]

    /// All tasks, captures first.
    func tasks() -> [StatusReport.Task] {
        graph.captures.indices.map(capture) + graph.materializations.indices.map(materialization)
    }

    // MARK: - Materializations

    private func materialization(_ index: Int) -> StatusReport.Task {
        let task = graph.materializations[index]
        var report = StatusReport.Task(name: task.name, kind: .materialization)
        report.bindings = task.bindings.indices.map { binding($0, of: index) }
        if task.isDisabled {
            report.state = .disabled
            return report
        }
        let links = graph.links.filter { $0.materialization == index }
        let positions = links.map { stored($0)?.position }
        report.position = links.count == 1 ? positions[0] : nil
        report.lag = worst(links.map(lag))
        report.signals = links.flatMap { stored($0)?.signals ?? [] }
        report.state = overall(report.bindings)
        switch destinations[index] {
        case .failure(let error):
            report.state = .failed
            report.findings = [finding(error)]
        default:
            // What a binding shows is not said twice.
            let shown = Set(report.bindings.compactMap(\.error))
            for failure in links.compactMap({ stored($0)?.failure }) {
                if !failure.isTransient { report.state = .failed }
                if !shown.contains(failure.message) {
                    report.findings.append(StatusFinding(isFatal: !failure.isTransient, message: failure.message))
                }
            }
        }
        return report
    }

    private func binding(_ place: Int, of index: Int) -> StatusReport.Binding {
        let task = graph.materializations[index]
        let binding = task.bindings[place]
        var report = StatusReport.Binding(
            resource: "\(binding.schema).\(binding.table)", collection: binding.collection)
        if task.isDisabled || binding.isDisabled || isFedByDisabledOnly(binding.collection) {
            report.state = .disabled
            return report
        }
        let fed = graph.links.filter { link in
            link.materialization == index && link.pairs.contains { $0.materializationBinding == place }
        }
        // Where several captures write to one table, the one that needs a look.
        for (number, link) in fed.enumerated() {
            let (state, backfill, error) = standing(of: binding, in: link)
            if number > 0, report.state <= state { continue }
            (report.state, report.backfill, report.error) = (state, backfill, error)
            let kept = stored(link).flatMap { table(of: binding, in: $0) }
            report.park = kept?.park
            report.gap = kept.flatMap { PostgresCapture.gap(in: $0.state) }
            if let park = report.park { (report.state, report.error) = (.failed, report.error ?? park.error) }
        }
        return report
    }

    private func isFedByDisabledOnly(_ collection: String) -> Bool {
        let writers = graph.captures.flatMap { capture in
            capture.bindings.filter { $0.collection == collection }.map { capture.isDisabled || $0.isDisabled }
        }
        return !writers.isEmpty && writers.allSatisfy { $0 }
    }

    private func standing(
        of binding: MaterializationTask.Binding, in link: CompiledGraph.Link
    ) -> (StatusReport.State, StatusReport.Backfill?, String?) {
        if case .failure(let error) = destinations[link.materialization] { return (.failed, nil, error.description) }
        guard let stored = stored(link) else { return (.pending, nil, nil) }
        guard let table = table(of: binding, in: stored) else {
            return stored.failure.map { ($0.isTransient ? .pending : .failed, nil, $0.message) } ?? (.pending, nil, nil)
        }
        let backfill = backfill(table.state)
        let state = state(of: table, in: stored)
        guard let failure = stored.failure else { return (state, backfill, state == .disabled ? table.error : nil) }
        if failure.isTransient { return (state, backfill, failure.message) }
        if let error = table.error { return (.failed, backfill, error) }
        // Where one table stopped the link, the others are as they were.
        let hasCulprit = stored.tables.contains { $0.error != nil }
        return hasCulprit ? (state, backfill, nil) : (.failed, backfill, failure.message)
    }

    // MARK: - Captures

    private func capture(_ index: Int) -> StatusReport.Task {
        let task = graph.captures[index]
        var report = StatusReport.Task(name: task.name, kind: .capture)
        report.bindings = task.bindings.indices.map { capturedBinding($0, of: index) }
        if task.isDisabled {
            report.state = .disabled
            return report
        }
        let links = graph.links.filter { $0.capture == index }
        let positions = links.compactMap { stored($0)?.position }
        report.position = positions.min()
        report.lag = worst(links.map(lag))
        switch sources[index] {
        case .failure(let error): report.findings = [finding(error)]
        case .success(let source):
            report.slot = source.slot
            report.findings = findings(source, positions, report.lag)
        case nil: break
        }
        let silent = links.map(\.materialization).filter { isSilent($0) }.map { graph.materializations[$0].name }
        report.findings += silent.map { name in
            StatusFinding(
                isFatal: false,
                message: "\(name) can't be asked how far it is: lag and state are those of the others that were, if any"
            )
        }
        if let fatal = report.findings.first(where: \.isFatal) {
            report.state = .failed
            for place in report.bindings.indices where report.bindings[place].state != .disabled {
                report.bindings[place].state = .failed
                report.bindings[place].error = fatal.message
            }
        } else {
            report.state = overall(report.bindings)
        }
        return report
    }

    private func findings(
        _ source: CaptureStatus, _ positions: [LogPosition], _ lag: StatusReport.Lag?
    ) -> [StatusFinding] {
        var findings = source.findings
        guard !findings.contains(where: \.isFatal) else { return findings }
        if let last = positions.max(), last > source.position {
            findings.insert(
                StatusFinding(
                    isFatal: true,
                    message:
                        "the source's log ends at \(source.position), before the checkpoint \(last): it was restored "
                        + "from an older backup, or is a standby that was or is behind",
                    hint: "flowctl check says what can be done"), at: 0)
        } else if let first = positions.min(), source.earliest.map({ first < $0 }) ?? true {
            findings.insert(source.gap, at: 0)
        } else if let left = source.slot.bytesLeft, let seconds = lag?.seconds(toGrowBy: left), seconds < 86_400 {
            findings.append(
                StatusFinding(
                    isFatal: false,
                    message:
                        "slot \"\(source.slot.name)\" will be lost after \(Quantity.bytes(left)) more of log: in about "
                        + "\(Quantity.seconds(seconds)), as fast as it grows now",
                    hint: "start flowctl apply, or let the source keep more log"))
        }
        return findings
    }

    private func isSilent(_ materialization: Int) -> Bool {
        if case .failure = destinations[materialization] { true } else { false }
    }

    /// A captured table is as far as the least far of the tables that it feeds; one that can't be asked counts only where there
    /// is no other.
    private func capturedBinding(_ place: Int, of index: Int) -> StatusReport.Binding {
        let task = graph.captures[index]
        let binding = task.bindings[place]
        var report = StatusReport.Binding(
            resource: "\(binding.namespace).\(binding.stream)", collection: binding.collection)
        if task.isDisabled || binding.isDisabled {
            report.state = .disabled
            return report
        }
        var isFirst = true
        var hasTarget = false
        var silent: String?
        for link in graph.links where link.capture == index {
            let materialization = graph.materializations[link.materialization]
            let targets = link.pairs.filter { $0.captureBinding == place }
                .map { materialization.bindings[$0.materializationBinding] }
            // What is disabled gets nothing, however far it is.
            for destination in targets where !materialization.isDisabled && !destination.isDisabled {
                hasTarget = true
                if isSilent(link.materialization) { silent = materialization.name }
                guard let stored = stored(link) else { continue }
                let table = table(of: destination, in: stored)
                let state = table.map { self.state(of: $0, in: stored) } ?? .pending
                if !isFirst, report.state <= state { continue }
                isFirst = false
                report.state = state
                report.backfill = (table?.state).flatMap(backfill)
            }
        }
        if isFirst, let silent {
            report.state = .failed
            report.error = "\(silent) can't be asked how far it is"
        }
        // Nothing reads it.
        if !hasTarget { report.state = .disabled }
        return report
    }

    // MARK: - Common

    private func stored(_ link: CompiledGraph.Link) -> StoredLink? {
        guard case .success(let links) = destinations[link.materialization] else { return nil }
        return links.first { $0.capture == graph.captures[link.capture].name }
    }

    private func table(of binding: MaterializationTask.Binding, in link: StoredLink) -> StoredLink.Table? {
        link.tables.first {
            $0.schema.isSameName(as: binding.schema) && $0.name.isSameName(as: binding.table)
                && $0.collection.isSameName(as: binding.collection)
        }
    }

    private func lag(_ link: CompiledGraph.Link) -> StatusReport.Lag? {
        // Where the log can't be read any more, what is missing is no lag.
        guard case .success(let source) = sources[link.capture], source.earliest != nil, let stored = stored(link),
            let position = stored.position
        else { return nil }
        let bytes = Int64(clamping: source.position.bytes(since: position))
        let seconds = stored.time.map { max(0, source.time - $0) / 1_000_000 }
        // What the log has grown by since the checkpoint can be known to concern nothing.
        let isHandled = source.handled.map { $0 >= source.position } ?? false
        return StatusReport.Lag(bytes: bytes, seconds: bytes == 0 || isHandled ? 0 : seconds)
    }

    private func worst(_ lags: [StatusReport.Lag?]) -> StatusReport.Lag? {
        let known = lags.compactMap { $0 }
        guard let bytes = known.map(\.bytes).max() else { return nil }
        let seconds = known.map(\.seconds)
        return StatusReport.Lag(bytes: bytes, seconds: seconds.contains(nil) ? nil : seconds.compactMap { $0 }.max())
    }

    private func state(of table: StoredLink.Table, in link: StoredLink) -> StatusReport.State {
        switch table.state.phase {
        case .pending: .pending
        case .backfilling:
            PostgresCapture.isPaused(schema: table.schema, table: table.name, in: link.signals) ? .paused : .backfilling
        case .streaming: .streaming
        case .detached, .disabled: .disabled
        }
    }

    private func backfill(_ state: BindingCheckpoint) -> StatusReport.Backfill? {
        guard state.phase == .backfilling || state.rows > 0 || !state.backfill.isEmpty else { return nil }
        return StatusReport.Backfill(rows: state.rows, estimatedRows: state.estimatedRows, bytes: state.bytes)
    }

    /// The task's state: the gravest of its bindings'; some that wait for their turn don't make all of it pending.
    private func overall(_ bindings: [StatusReport.Binding]) -> StatusReport.State {
        let states = Set(bindings.map(\.state)).subtracting([.disabled])
        guard let gravest = states.min() else { return bindings.isEmpty ? .pending : .disabled }
        return gravest == .pending && states.count > 1 ? .backfilling : gravest
    }

    private func finding(_ error: RunError) -> StatusFinding {
        StatusFinding(isFatal: true, message: error.description, hint: error.hint)
    }
}
