import Connectors
import JSON
import Runtime

/// What a verification came to: a text for each table, and the sum of all.
struct VerifyReport {
    private var counts: [TableFinding.State: Int] = [:]
    private(set) var tables = 0
    /// Rows of the tables that are equal.
    private(set) var rows: Int64 = 0
    /// By capture, in the order of their names: the place up to which all of its tables were compared.
    private var positions: [(capture: String, position: LogPosition)] = []

    mutating func add(_ finding: TableFinding) {
        tables += 1
        counts[finding.state, default: 0] += 1
        guard finding.state == .equal, let position = finding.position else { return }
        rows += finding.rows
        if let place = positions.firstIndex(where: { $0.capture.isSameName(as: finding.link.capture) }) {
            positions[place].position = min(positions[place].position, position)
        } else {
            positions.append((finding.link.capture, position))
        }
    }

    private func count(_ state: TableFinding.State) -> Int { counts[state] ?? 0 }

    /// Equal only where something was proven, and nothing is left open.
    var status: ExitStatus {
        if count(.different) > 0 { return .differences }
        return count(.unproven) > 0 || count(.equal) == 0 ? .unavailable : .done
    }

    /// The last line for people: `2 of 3 tables equal, 1210 rows, at LSN 0/1A2B3C8; 1 not verified`.
    var summary: String {
        guard tables > 0 else { return "nothing to verify: no enabled capture feeds an enabled materialization\n" }
        let compared = tables - count(.notVerified)
        var text = "\(count(.equal)) of \(compared) \(compared == 1 ? "table" : "tables") equal, \(rows) rows"
        let places = positions.map { positions.count == 1 ? "\($0.position)" : "\($0.position) of \($0.capture)" }
        if !places.isEmpty { text += ", at LSN \(places.joined(separator: ", "))" }
        if count(.different) > 0 { text += "; \(count(.different)) different" }
        if count(.unproven) > 0 { text += "; \(count(.unproven)) unproven" }
        if count(.notVerified) > 0 { text += "; \(count(.notVerified)) not verified" }
        return text + "\n"
    }

    /// The last object of `-o json`.
    var jsonSummary: String {
        let places = positions.map { ($0.capture, JSONValue.string($0.position.description)) }
        let summary: JSONValue = [
            "summary": [
                "tables": .int(tables), "equal": .int(count(.equal)), "different": .int(count(.different)),
                "unproven": .int(count(.unproven)), "not_verified": .int(count(.notVerified)), "rows": .int(Int(rows)),
                "lsn": .object(JSONObject(places)),
            ]
        ]
        return JSONWriter.write(summary) + "\n"
    }

    // MARK: - One table

    /// For people: a line, and below it the keys that differ.
    static func text(_ finding: TableFinding) -> String {
        let target = "\(finding.binding.schema).\(finding.binding.name)"
        let name = finding.source.isSameName(as: target) ? target : "\(finding.source) -> \(target)"
        var lines: [String]
        switch finding.state {
        case .equal: lines = ["\(name): equal, \(finding.rows) rows"]
        case .different:
            let kinds = [
                (finding.missing, "missing at the destination"), (finding.extra, "extra there"),
                (finding.differing, "with other values"),
            ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            lines = ["\(name): DIFFERENT, of \(finding.rows) rows \(kinds.joined(separator: ", "))"]
        case .unproven: lines = ["\(name): unproven: \(finding.reason ?? "")"]
        case .notVerified: lines = ["\(name): not verified: \(finding.reason ?? "")"]
        }
        for difference in finding.differences {
            let key = zip(finding.binding.key, difference.key.values).map { "\($0) = \($1)" }.joined(separator: ", ")
            var line = "  \(difference.kind.rawValue)  \(key)"
            if !difference.columns.isEmpty { line += ": \(difference.columns.joined(separator: ", "))" }
            lines.append(line)
        }
        let others = finding.missing + finding.extra + finding.differing - finding.differences.count
        if others > 0 { lines.append("  and \(others) more") }
        if finding.state == .different, let reason = finding.reason { lines.append("  \(reason)") }
        if let hint = finding.hint { lines.append("  hint: \(hint)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One object a table.
    static func json(_ finding: TableFinding) -> String {
        let keys = finding.differences.map { difference -> JSONValue in
            let key = zip(finding.binding.key, difference.key.values).map { ($0, JSONValue.string($1)) }
            return [
                "kind": .string(difference.kind.rawValue), "key": .object(JSONObject(key)),
                "columns": .array(difference.columns.map { .string($0) }),
            ]
        }
        let value: JSONValue = [
            "capture": .string(finding.link.capture), "materialization": .string(finding.link.materialization),
            "source": .string(finding.source), "table": .string("\(finding.binding.schema).\(finding.binding.name)"),
            "state": .string(finding.state.rawValue), "rows": .int(Int(finding.rows)),
            "missing": .int(finding.missing), "extra": .int(finding.extra), "differs": .int(finding.differing),
            "undecided": .int(finding.undecided), "keys": .array(keys),
            "lsn": finding.position.map { .string($0.description) } ?? .null,
            "reason": finding.reason.map { .string($0) } ?? .null, "hint": finding.hint.map { .string($0) } ?? .null,
        ]
        return JSONWriter.write(value) + "\n"
    }
}
