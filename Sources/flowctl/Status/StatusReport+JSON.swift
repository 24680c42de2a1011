import Connectors
import JSON

extension StatusReport {
    /// The object of `status -o json`: every member always there, null where it does not apply.
    var json: JSONValue {
        ["tasks": .array(tasks.map(\.json))]
    }
}

extension StatusReport.Task {
    var json: JSONValue {
        [
            "name": .string(name), "kind": .string(kind.rawValue), "state": .string(state.rawValue),
            "lsn": position.map { .string($0.description) } ?? .null,
            "lag_bytes": lag.map { .int(Int($0.bytes)) } ?? .null,
            "lag_seconds": lag?.seconds.map { .int(Int($0)) } ?? .null,
            "slot": slot.map(\.json) ?? .null, "bindings": .array(bindings.map(\.json)),
            "signals": .array(signals.map(\.json)),
        ]
    }
}

extension SlotStatus {
    fileprivate var json: JSONValue {
        [
            "name": .string(name), "active": .bool(isActive),
            "retained_bytes": retainedBytes.map { .int(Int($0)) } ?? .null,
            "wal_status": walStatus.map { .string($0) } ?? .null,
        ]
    }
}

extension StatusReport.Binding {
    /// `parked` and `because` are there only where something is.
    fileprivate var json: JSONValue {
        var object = JSONObject([
            ("resource", .string(resource)), ("collection", .string(collection)), ("state", .string(state.rawValue)),
            ("backfill", backfill.map(\.json) ?? .null), ("error", error.map { .string($0) } ?? .null),
        ])
        object["parked"] = park.map(\.json)
        object["because"] = gap.map { .string($0.reason) }
        return .object(object)
    }
}

extension ParkedTable {
    fileprivate var json: JSONValue {
        ["changes": .int(Int(changes)), "bytes": .int(Int(bytes)), "since": .string(since)]
    }
}

extension SignalRecord {
    fileprivate var json: JSONValue {
        [
            "id": .string(id), "type": .string(type), "tables": .array(tables.map { .string($0) }),
            "state": .string(state.rawValue), "rows": rows.map { .int(Int($0)) } ?? .null,
            "error": error.map { .string($0) } ?? .null,
        ]
    }
}

extension StatusReport.Backfill {
    fileprivate var json: JSONValue {
        [
            "rows": .int(Int(rows)), "estimated_rows": estimatedRows.map { .int(Int($0)) } ?? .null,
            "bytes": .int(Int(bytes)),
        ]
    }
}
