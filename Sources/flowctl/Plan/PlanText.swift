import Connectors
import Runtime

/// `flowctl plan` for people: by database, then by object, each statement with what it means; a line that sums it up.
struct PlanText {
    let hasColour: Bool

    /// Ends with a line break.
    func text(_ report: PlanReport) -> String {
        var lines: [String] = []
        for endpoint in report.endpoints where !isQuiet(endpoint) {
            lines += self.lines(endpoint, report) + [""]
        }
        lines += findings(report.check)
        lines.append(summary(report))
        return lines.joined(separator: "\n") + "\n"
    }

    /// `plan: 3 to create, 1 to change; 2 tables to copy (about 1200 rows, 1.2 MiB)`.
    func summary(_ report: PlanReport) -> String {
        if report.isEmpty, report.check.status == .done { return "plan: no changes" }
        var parts: [String] = []
        for (effect, word) in [
            (PlannedChange.Effect.create, "to create"), (.change, "to change"), (.destroy, "to destroy"),
        ] {
            let count = report.count(effect)
            if count > 0 || effect == .create { parts.append("\(count) \(word)") }
        }
        let tables = report.backfills.count
        if tables > 0 {
            let amount = report.amount
            let known = "about \(amount.rows) rows, \(Quantity.bytes(amount.bytes))"
            parts.append(
                "\(tables) \(tables == 1 ? "table" : "tables") to copy (\(known)\(amount.isWhole ? "" : " and what is not known"))"
            )
        }
        let unmet = report.check.tasks.reduce(0) { $0 + $1.findings.count { $0.grade == .unmet } }
        if unmet > 0 { parts.append("\(unmet) unmet") }
        var text = "plan: " + parts.joined(separator: ", ")
        if report.isDestructive { text += "; apply takes --allow-destructive for it" }
        return text
    }

    private func isQuiet(_ endpoint: PlanReport.Endpoint) -> Bool {
        endpoint.changes.isEmpty && endpoint.backfills.isEmpty && endpoint.remarks.isEmpty
    }

    // MARK: - One database

    private func lines(_ endpoint: PlanReport.Endpoint, _ report: PlanReport) -> [String] {
        let kind = endpoint.side == .source ? "capture" : "materialization"
        var lines = [
            coloured("\(endpoint.side.rawValue)  \(endpoint.database)", "1")
                + " at \(endpoint.address) as \(endpoint.role)  (\(kind) \(endpoint.task))"
        ]
        var objects: [String] = []
        for change in endpoint.changes where !objects.contains(change.object) { objects.append(change.object) }
        for backfill in endpoint.backfills where !objects.contains(PlanText.object(backfill)) {
            objects.append(PlanText.object(backfill))
        }
        for object in objects {
            lines.append("  \(object)")
            for change in endpoint.changes where change.object == object {
                lines += self.lines(change, report.isForAdministrator(change, at: endpoint))
            }
            for backfill in endpoint.backfills where PlanText.object(backfill) == object {
                lines.append("    " + coloured(">", "36") + " " + text(backfill))
            }
        }
        return lines + endpoint.remarks.map { "  " + coloured("-", "31") + " \($0)" }
            + endpoint.notes.map { "  note: \($0)" }
    }

    private static func object(_ backfill: PipelinePlan.Backfill) -> String {
        "table " + quoted(backfill.binding.schema) + "." + quoted(backfill.binding.name)
    }

    private static func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

    private func lines(_ change: PlannedChange, _ isForAdministrator: Bool) -> [String] {
        let sign =
            switch change.effect {
            case .create: coloured("+", "32")
            case .change: coloured("~", "33")
            case .destroy: coloured("-", "31")
            }
        let sql = change.sql.split(separator: "\n", omittingEmptySubsequences: false)
        var lines = ["    \(sign) \(sql.first ?? "")"]
        let isLong = sql.count > 4
        for line in isLong ? sql[1..<1] : sql.dropFirst() { lines.append("      \(line)") }
        if isLong { lines[0] += " … (\(sql.count) lines; all of them with -o json)" }
        var notes: [String] = []
        if isForAdministrator { notes.append("an administrator must run it: see below") }
        switch change.moment {
        case .start: break
        case .copied: notes.append("when its rows have been copied")
        case .newShape: notes.append("before the first row that has it")
        }
        if let remark = change.remark { notes.append(remark) }
        if let lock = change.lock { notes.append("\(lock.effect) (\(lock.mode) on \(PlanText.list(lock.objects)))") }
        return lines + notes.map { "        " + coloured($0, "2") }
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    private func text(_ backfill: PipelinePlan.Backfill) -> String {
        let rows = backfill.rows.map { "about \($0) rows" } ?? "an unknown number of rows"
        let bytes = backfill.bytes.map { ", \(Quantity.bytes($0))" } ?? ""
        let source = "\(PlanText.quoted(backfill.source.schema)).\(PlanText.quoted(backfill.source.name))"
        switch backfill.reason {
        case .new: return "copy \(source): \(rows)\(bytes)"
        case .rebuilt: return "copy \(source) into the emptied table: \(rows)\(bytes)"
        case .readAgain:
            return "read \(source) again over what is there: \(rows)\(bytes)"
        case .goesOn: return "go on to copy \(source): \(backfill.copied) of \(rows)"
        }
    }

    // MARK: - Prerequisites

    private func findings(_ check: CheckReport) -> [String] {
        let tasks = check.tasks.filter { $0.findings.contains { $0.grade == .unmet } }
        guard !tasks.isEmpty else { return [] }
        var lines = [coloured("unmet", "31;1") + ", and what mends it"]
        for task in tasks {
            for finding in task.findings where finding.grade == .unmet {
                let role = finding.role.map { " (role \($0))" } ?? ""
                lines.append("  \(task.kind) \(task.name)  \(finding.object)\(role): \(finding.message)")
                switch finding.remedy {
                case .sql(let sql): lines.append("        SQL: \(sql)")
                case .step(let step): lines.append("        do: \(step)")
                case nil: break
                }
            }
        }
        return lines + [""]
    }

    private func coloured(_ text: String, _ code: String) -> String {
        hasColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
