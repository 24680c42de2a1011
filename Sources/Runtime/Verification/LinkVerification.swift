import Connectors

/// Compares all tables of a link with their source, one after another. Changes nothing, and needs no runner: where one is
/// running, neither notices the other.
public struct LinkVerification {
    let capture: any ComparableCapture
    let materialization: any ComparableMaterialization
    let link: LinkSpec
    let limits: TableVerification.Limits
    let stop: StopSignal

    /// `listed`: differences that are listed of each table. `patience`: seconds that the destination is waited for.
    public init(
        capture: any ComparableCapture, materialization: any ComparableMaterialization, link: LinkSpec,
        listed: Int, patience: Double, stop: StopSignal
    ) {
        self.capture = capture
        self.materialization = materialization
        self.link = link
        limits = TableVerification.Limits(listed: listed, patience: patience)
        self.stop = stop
    }

    /// Hands each table's finding over as it is made. Throws where one of the databases can't be asked at all.
    public func run(_ report: (TableFinding) -> Void) throws {
        let stored = try storedLink()
        var isStalled = false
        for binding in link.bindings {
            if stop.isRequested {
                throw RunError(
                    .transient, operation: "compare", object: link.capture, message: "stopped before the end")
            }
            report(try verify(binding, stored, &isStalled))
        }
    }

    private func storedLink() throws -> StoredLink? {
        try materialization.status().first { $0.capture.isSameName(as: link.capture) }
    }

    private func verify(
        _ binding: LinkBinding, _ stored: StoredLink?, _ isStalled: inout Bool
    ) throws -> TableFinding {
        var finding = TableFinding(
            link: link, binding: binding, source: capture.sourceName(of: binding), state: .unproven)
        if let reason = LinkVerification.exemption(binding) {
            finding.state = .notVerified
            finding.reason = reason
            return finding
        }
        if let (reason, hint) = obstacle(binding, stored) {
            finding.reason = reason
            finding.hint = hint
            return finding
        }
        do {
            let position = try capture.positionNow()
            let table = try capture.comparedTable(binding)
            var plan = try materialization.comparisonPlan(
                for: binding, shape: table.shape, isOrdered: table.isOrdered)
            plan.convertsText = plan.encoding != table.encoding
            let source = try capture.openRows(of: binding, plan)
            defer { source.close() }
            let destination = try materialization.openRows(of: binding, in: link, plan)
            defer { destination.close() }
            finding.position = position
            (finding, isStalled) = try TableVerification(
                finding, source: source, destination: destination, plan: plan, remainder: capture.remainder,
                limits: limits, isStalled: isStalled, stop: stop
            ).run(estimatedRows: table.estimatedRows)
            // It may have been parked, or be read again, since it was asked about.
            if finding.state == .different, let (reason, hint) = obstacle(binding, try storedLink()) {
                finding = TableFinding(link: link, binding: binding, source: finding.source, state: .unproven)
                finding.reason = reason
                finding.hint = hint
            }
        } catch let error as RunError where !stop.isRequested {
            finding.state = .unproven
            finding.reason = error.description
            finding.hint = error.hint
        }
        return finding
    }

    /// Why a table can't be compared with its source row for row, by what the catalog says of it; nil where it can.
    private static func exemption(_ binding: LinkBinding) -> String? {
        if binding.mode == .insert { return "append-only: it holds changes, not the source's rows" }
        if binding.key.isEmpty { return "its rows have no key" }
        if binding.skipsBackfill { return "its backfill is skipped: it lacks the rows from before" }
        if binding.window != nil { return "only a part of its history is taken (notBefore, notAfter)" }
        if binding.readsSomeRows { return "the catalog has it take only some of the rows" }
        if binding.deletes == .ignore { return "deletes are ignored: it keeps rows that the source no longer has" }
        return nil
    }

    /// What keeps a table from being complete now.
    private func obstacle(_ binding: LinkBinding, _ stored: StoredLink?) -> (reason: String, hint: String)? {
        let apply = "run flowctl apply until flowctl status shows it streaming, then verify again"
        let table = stored?.tables.first {
            $0.schema.isSameName(as: binding.schema) && $0.name.isSameName(as: binding.name)
        }
        guard let table else { return ("nothing was copied yet", apply) }
        if table.park != nil {
            return (
                "it is parked since a row of its changes was refused: others wait",
                "see flowctl status, then flowctl retry"
            )
        }
        if let park = table.park {
            return (
                "it is parked since \(park.since): \(park.changes) changes wait",
                "flowctl status says why; then flowctl retry, and verify again"
            )
        }
        switch table.state.phase {
        case .streaming: return nil
        case .pending: return ("nothing was copied yet", apply)
        case .backfilling: return ("it is still being copied", apply)
        case .detached: return ("its binding was left out for a while: it lacks what happened since", apply)
        case .disabled:
            return ("it takes no changes any more, since it could not follow the source", "see flowctl status")
        }
    }
}
