import Connectors
import Postgres

extension PostgresError {
    /// The one place where a failure of the source's server becomes one of the run.
    func asRunError(operation: String, object: String, task: String? = nil) -> RunError {
        let kind: RunError.Class
        var hint = self.hint
        switch self.kind {
        case .transient: kind = .transient
        case .unreachable:
            kind = .unreachable
            hint = hint ?? "check the address, and that the server runs and listens there"
        case .authentication:
            kind = .authentication
            hint = hint ?? "check the user, the password and the server's pg_hba.conf"
        case .needsOperator: kind = .needsOperator
        case .fatal: kind = .needsOperator
        }
        switch sqlState {
        case "55006":
            return RunError(
                .needsOperator, operation: operation, object: object, message: message,
                hint:
                    "another process reads from this slot: stop it, or give this capture an advanced.slotName of its own",
                sqlState: sqlState, task: task)
        case "42501": hint = hint ?? "grant the user what the message names"
        case "57P03":
            hint = hint ?? "the source is starting, recovering or stopping: it takes connections again when it is done"
        case "42704" where message.hasPrefix("publication"):
            hint =
                "something dropped it, or made it after the slot: start flowctl again to make it anew (or run what flowctl setup "
                + "prints). Where this error comes back, rows were changed that can't be read any more: drop the slot, remove the "
                + "links' rows from flow.checkpoints and flow.bindings, and empty their tables"
        case "3D000": hint = hint ?? "check the database's name (case is significant)"
        case "0A000" where message.contains("replication"):
            hint = "this is a connection pooler: name the database server itself in the address"
        case "53400":
            hint = "raise max_replication_slots, or drop a slot that nobody reads"
        default: break
        }
        return RunError(
            kind, operation: operation, object: object, message: message, hint: hint, sqlState: sqlState, task: task)
    }
}
