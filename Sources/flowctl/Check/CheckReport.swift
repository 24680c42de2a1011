import Connectors
import JSON

/// What a check of a catalog's tasks found.
struct CheckReport {
    /// A task with its findings; none where all is as it must be.
    struct Task {
        var name: String
        /// `capture` or `materialization`.
        var kind: String
        var findings: [Prerequisite]
    }

    var tasks: [Task]

    var status: ExitStatus { count(.unmet) > 0 ? .unavailable : .done }

    private func count(_ grade: Prerequisite.Grade) -> Int {
        tasks.reduce(0) { $0 + $1.findings.count { $0.grade == grade } }
    }

    private static let order: [Prerequisite.Grade] = [.unmet, .excess, .advice]

    /// For people.
    var text: String {
        var lines: [String] = []
        for task in tasks {
            let isReady = !task.findings.contains { $0.grade == .unmet }
            lines.append("\(task.kind) \(task.name): \(isReady ? "ready" : "not ready")")
            for grade in CheckReport.order {
                for finding in task.findings where finding.grade == grade { lines += CheckReport.lines(finding) }
            }
        }
        if tasks.isEmpty { lines.append("nothing to check: no enabled capture feeds an enabled materialization") }
        lines.append("\(count(.unmet)) unmet, \(count(.excess)) in excess, \(count(.advice)) to know")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ finding: Prerequisite) -> [String] {
        let role = finding.role.map { " (role \($0))" } ?? ""
        let first = "  \(finding.grade.rawValue)  \(finding.object)\(role): \(finding.message)"
        switch finding.remedy {
        case .sql(let sql): return [first, "          SQL: \(sql)"]
        case .step(let step): return [first, "          do: \(step)"]
        case nil: return [first]
        }
    }

    /// One object a finding.
    var objects: [JSONObject] {
        tasks.flatMap { task in
            task.findings.map { finding in
                var object = JSONObject()
                object["task"] = .string(task.name)
                object["kind"] = .string(task.kind)
                object["grade"] = .string(finding.grade.rawValue)
                object["object"] = .string(finding.object)
                object["role"] = finding.role.map { .string($0) } ?? .null
                object["message"] = .string(finding.message)
                object["sql"] = .null
                object["step"] = .null
                switch finding.remedy {
                case .sql(let sql): object["sql"] = .string(sql)
                case .step(let step): object["step"] = .string(step)
                case nil: break
                }
                return object
            }
        }
    }

    /// One object a finding, and one with the counts.
    var json: String {
        var lines = objects.map { JSONWriter.write(.object($0), .spaced) }
        let counts = CheckReport.order.map { ($0.rawValue, JSONValue.int(count($0))) }
        let summary = JSONObject([("summary", .object(JSONObject([("tasks", .int(tasks.count))] + counts)))])
        lines.append(JSONWriter.write(.object(summary), .spaced))
        return lines.joined(separator: "\n") + "\n"
    }
}
