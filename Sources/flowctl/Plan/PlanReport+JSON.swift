import Connectors
import JSON
import Runtime

extension PlanReport {
    /// One object: docs/cli.md has its form.
    var json: JSONValue {
        let amount = amount
        let unmet = check.tasks.reduce(0) { $0 + $1.findings.count { $0.grade == .unmet } }
        return .object(
            JSONObject([
                ("databases", .array(endpoints.map(json))),
                ("prerequisites", .array(check.objects.map { .object($0) })),
                (
                    "summary",
                    .object(
                        JSONObject([
                            ("create", .int(count(.create))), ("change", .int(count(.change))),
                            ("destroy", .int(count(.destroy))), ("tables_to_copy", .int(backfills.count)),
                            ("rows", .int(Int(amount.rows))), ("bytes", .int(Int(amount.bytes))),
                            ("unmet", .int(unmet)),
                            ("has_changes", .bool(!isEmpty)),
                        ]))
                ),
            ]))
    }

    private func json(_ endpoint: Endpoint) -> JSONValue {
        .object(
            JSONObject([
                ("side", .string(endpoint.side.rawValue)), ("task", .string(endpoint.task)),
                ("address", .string(endpoint.address)), ("database", .string(endpoint.database)),
                ("role", .string(endpoint.role)),
                ("changes", .array(endpoint.changes.map { json($0, endpoint) })),
                ("backfills", .array(endpoint.backfills.map(json))),
                ("remarks", .array(endpoint.remarks.map { .string($0) })),
                ("notes", .array(endpoint.notes.map { .string($0) })),
            ]))
    }

    private func json(_ change: PlannedChange, _ endpoint: Endpoint) -> JSONValue {
        let locks = (change.lock?.objects ?? []).map { object in
            JSONValue.object(JSONObject([("mode", .string(change.lock?.mode ?? "")), ("object", .string(object))]))
        }
        return .object(
            JSONObject([
                ("effect", .string(change.effect.rawValue)), ("object", .string(change.object)),
                ("sql", .string(change.sql)), ("when", .string(change.moment.rawValue)), ("locks", .array(locks)),
                ("by", .string(isForAdministrator(change, at: endpoint) ? "administrator" : "role")),
                ("remark", change.remark.map { .string($0) } ?? .null),
            ]))
    }

    private func json(_ backfill: PipelinePlan.Backfill) -> JSONValue {
        .object(
            JSONObject([
                ("source", .string("\(backfill.source.schema).\(backfill.source.name)")),
                ("table", .string("\(backfill.binding.schema).\(backfill.binding.name)")),
                ("reason", .string(backfill.reason.rawValue)),
                ("rows", backfill.rows.map { .int(Int($0)) } ?? .null),
                ("bytes", backfill.bytes.map { .int(Int($0)) } ?? .null),
                ("copied", .int(Int(backfill.copied))),
            ]))
    }
}
