import JSON

/// How far the backfills are, from the runner's events.
struct BackfillProgress {
    private var rowsOfBinding: [String: Int] = [:]
    private var estimates: [String: Int] = [:]
    private var completed: Set<String> = []

    /// Takes an event into account; one that says nothing of a backfill changes nothing.
    mutating func take(_ event: JSONValue) {
        guard let kind = event["event"]?.stringValue, kind.hasPrefix("backfill_"),
            let binding = event["binding"]?.stringValue
        else { return }
        if let rows = event["rows"]?.intValue { rowsOfBinding[binding] = rows }
        if let estimate = event["total_rows_estimate"]?.intValue { estimates[binding] = estimate }
        if kind == "backfill_completed" { completed.insert(binding) }
    }

    /// Rows copied.
    var rows: Int { rowsOfBinding.values.reduce(0, +) }

    var text: String {
        let total = max(estimates.values.reduce(0, +), rows)
        let tables = "\(completed.count) of \(Shop.tables.count) tables complete"
        return "\(DemoScreen.grouped(rows)) of about \(DemoScreen.grouped(total)) rows, \(tables)"
    }
}
