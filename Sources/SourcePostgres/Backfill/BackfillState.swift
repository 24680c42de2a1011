import Connectors
import JSON
import Postgres

/// What is kept at the destination of one table's backfill, as JSON text:
/// `{"table": "16400/r16410", "upper": ["42"], "copied": false, "file": "16401",
/// "publication": "16390:742", "order": ["id"], "sorting": [["0"]], "ranges": [{"lower": …, "upper": …, "snapshot": "…", "until": "0/…"}],
/// "files": "16401", "columns": 7, "storage": {…}}`, of a table that is read again also `"overlay": true`, `"live": true`, `"numbered": 5000`
/// and, until it is through, `"sweep": {"after": ["17"]}`;
/// where a signal asked for it `"signal": {"place": "0/16B3748/0"}`, where the log lacks something `"because": "its partition …"`;
/// of one with rows that were in doubt `"doubt": "0/16B3748"`; of one whose link is behind the start of its reading `"from": "0/16B3748"`;
/// of one read by the values of a column `"types": ["integer"]`;
/// of one with a window `"window": {"phase": "open", "notBefore": 8000, "notAfter": null, "lacks": false}`.
struct BackfillState {
    var filter: BackfillFilter
    /// The table's file at the source when its last chunk was read; nil for a partitioned table.
    var fileNode: UInt32?
    /// The table that the rows are of (`TableSource.identity`); nil where that was not kept.
    var identity: String?
    /// The publication that the changes come by (`TableSource.publication`); nil where that was not kept.
    var publication: String?
    /// The columns in whose order the table is read; nil where that was not kept.
    var order: [String]?
    /// How those sorted as its bounds were found (`KeyOrder.sorting`); nil where that was not kept.
    var sorting: [[String]]?
    /// Their types (`KeyOrder.types`), where they are of no key; nil for keys, and where nothing was read.
    var orderTypes: [String]?
    /// The table's files and its last column when the destination's columns were last those of the source.
    var seen: (files: String, lastColumn: Int)?
    /// Where the rows were, at a place of the log that the destination has passed; nil where that was not kept.
    var record: StorageRecord?
    /// What is left of looking for rows that the source no longer has; nil where nothing is.
    var sweep: KeySweep?
    /// Changes beyond what was read count too: the destination has the rows that they are about, or gets them whole.
    var isLive = false
    /// Where the table is in the binding's window; nil for a table that never had one.
    var window: WindowState?
    /// The signal that the table was read again for last; nil for none.
    var signal: Order?
    /// What the log lacks that the table is read again for; nil where nobody but a user asked for it.
    var because: String?
    /// Rows that were read before the table was read again: the numbers of an append-only table's rows go on from there.
    var numbered: Int64 = 0

    /// See `LinkBackfills.doubt`; zero, or a position that the checkpoint has passed, for none.
    var doubtedUntil = LogPosition.zero

    /// Where the source was as the table began to be read from its first row on; zero where the link has passed that. Changes from before
    /// are in what is read.
    var readFrom = LogPosition.zero

    /// What a signal asks for.
    struct Order: Equatable, Sendable {
        /// `SignalRecord.place`.
        var place: String
        /// SQL that a row must satisfy to be read; nil for all.
        var condition: String?
        /// No change of the log is stored before all rows have been read.
        var isBlocking = false
    }

    /// The state of a table of which nothing was read.
    init(isCopied: Bool) {
        filter = BackfillFilter(frontier: nil, isCopied: isCopied)
    }

    /// The state of a table that is to be read again, over rows that are there.
    init(over before: BackfillState?, rows: Int64, sweeps: Bool, isLive: Bool) {
        self.isLive = isLive
        filter = BackfillFilter(frontier: nil, isCopied: false, isOverlay: true)
        sweep = sweeps ? KeySweep() : nil
        numbered = (before?.numbered ?? 0) + rows
    }

    /// Begins to read a table that streams once more, over the rows that are there. Every change of the log goes on being stored
    /// meanwhile; with a blocking signal none comes meanwhile, and those that the rows contain already are left out then.
    mutating func begin(_ order: Order, rows: Int64, sweeps: Bool, isLog: Bool) {
        let keepsRanges = order.isBlocking && !isLog
        isLive = !keepsRanges
        filter = BackfillFilter(frontier: nil, isCopied: false, isOverlay: !keepsRanges)
        sweep = sweeps && order.condition == nil ? KeySweep() : nil
        because = nil
        numbered += rows
        fileNode = nil
        signal = order
    }

    /// The log has to go on before a blocking signal's rows are all read: from now on every change is stored as it comes.
    ///
    /// Changes that the ranges contain are stored once more then, in their order, and end where the ranges were. None is left
    /// out, so that reading may be stopped at any time.
    mutating func goOnWithLog(isLog: Bool) {
        guard signal?.isBlocking == true, !filter.isCopied else { return }
        signal?.isBlocking = false
        guard !isLog else { return }
        isLive = true
        filter.isOverlay = true
        filter.ranges = []
    }

    /// Has the table mended from its beginning, whatever was being read: something that the log lacks may concern rows that were
    /// read already. `rows`: how many those are; `sweeps`: rows that the source no longer has are removed.
    ///
    /// A signal's reading ends with it. Returns whether rows are read from the first one on.
    mutating func mend(_ gap: LogGap, rows: Int64, sweeps: Bool) -> Bool {
        let reason = gap.and(self.gap).reason
        defer { because = reason }
        if gap.need == .removals, signal == nil || !isReading {
            sweep = KeySweep()
            signal = nil
            return false
        }
        let record = record
        self = BackfillState(over: self, rows: rows, sweeps: sweeps, isLive: false)
        self.record = record
        return true
    }

    /// What is left to do for what the log lacks; nil where nothing is.
    var gap: LogGap? {
        guard isReading, let because else { return nil }
        var gap = LogGap(filter.isOverlay && !filter.isCopied ? .rows : .removals, because)
        gap.isNew = false
        return gap
    }

    /// Whether there is something to read, or to look for, and nothing was yet: what the stream showed before may not be visible.
    var hasNotBegun: Bool {
        filter.isCopied ? sweep == KeySweep() : filter.frontier == nil && filter.ranges.isEmpty
    }

    /// Whether there is anything to read, or to look for.
    var isReading: Bool { !filter.isCopied || sweep != nil }

    /// Leaves what is not read yet as it is.
    mutating func end() {
        filter.isCopied = true
        filter.frontier = nil
        filter.chunk = nil
        sweep = nil
        because = nil
    }

    /// Throws `internal` where the text is not what `text` writes.
    init(text: String) throws {
        guard let value = try? JSONValue(parsing: text), let copied = value["copied"]?.boolValue,
            let ranges = value["ranges"]?.arrayValue
        else { throw BackfillState.unreadable }
        filter = BackfillFilter(frontier: try BackfillState.bound(value["upper"]), isCopied: copied)
        filter.ranges = try ranges.map { range in
            guard let snapshot = range["snapshot"]?.stringValue.flatMap({ Snapshot($0) }),
                let until = range["until"]?.stringValue.flatMap({ LogPosition($0) })
            else { throw BackfillState.unreadable }
            return CopiedRange(
                lower: try BackfillState.bound(range["lower"]), upper: try BackfillState.bound(range["upper"]),
                snapshot: snapshot, until: until)
        }
        filter.isOverlay = value["overlay"]?.boolValue ?? false
        isLive = value["live"]?.boolValue ?? false
        numbered = value["numbered"]?.intValue.map { Int64($0) } ?? 0
        readFrom = value["from"]?.stringValue.flatMap { LogPosition($0) } ?? .zero
        doubtedUntil = value["doubt"]?.stringValue.flatMap { LogPosition($0) } ?? .zero
        if let place = value["sweep"], place.objectValue != nil {
            sweep = KeySweep(after: try BackfillState.bound(place["after"])?.values)
        }
        fileNode = value["file"]?.stringValue.flatMap { UInt32($0) }
        identity = value["table"]?.stringValue
        publication = value["publication"]?.stringValue
        order = value["order"]?.arrayValue?.compactMap(\.stringValue)
        sorting = value["sorting"]?.arrayValue?.map { $0.arrayValue?.compactMap(\.stringValue) ?? [] }
        orderTypes = value["types"]?.arrayValue?.compactMap(\.stringValue)
        because = value["because"]?.stringValue
        window = value["window"].flatMap { WindowState($0) }
        record = value["storage"].flatMap { StorageRecord($0) }
        if let order = value["signal"], let place = order["place"]?.stringValue {
            signal = Order(
                place: place, condition: order["where"]?.stringValue,
                isBlocking: order["blocking"]?.boolValue ?? false)
        }
        if let files = value["files"]?.stringValue, let column = value["columns"]?.intValue { seen = (files, column) }
    }

    var text: String {
        let ranges: [JSONValue] = filter.ranges.map { range in
            [
                "lower": BackfillState.value(range.lower), "upper": BackfillState.value(range.upper),
                "snapshot": .string(range.snapshot.description), "until": .string(range.until.description),
            ]
        }
        let file: JSONValue = fileNode.map { .string(String($0)) } ?? .null
        let published: JSONValue = publication.map { .string($0) } ?? .null
        let order: JSONValue = order.map { names in .array(names.map { .string($0) }) } ?? .null
        var state = JSONObject([
            ("table", identity.map { .string($0) } ?? .null), ("upper", BackfillState.value(filter.frontier)),
            ("copied", .bool(filter.isCopied)), ("file", file), ("ranges", .array(ranges)),
            ("publication", published), ("order", order),
            ("files", seen.map { .string($0.files) } ?? .null), ("columns", seen.map { .int($0.lastColumn) } ?? .null),
        ])
        if filter.isOverlay {
            state["overlay"] = .bool(true)
            if isLive { state["live"] = .bool(true) }
        }
        if let sweep { state["sweep"] = ["after": BackfillState.value(sweep.after.map { KeyBound($0) })] }
        if let signal {
            var order = JSONObject([("place", .string(signal.place))])
            if let condition = signal.condition { order["where"] = .string(condition) }
            if signal.isBlocking { order["blocking"] = .bool(true) }
            state["signal"] = .object(order)
        }
        if readFrom != .zero { state["from"] = .string(readFrom.description) }
        if doubtedUntil != .zero { state["doubt"] = .string(doubtedUntil.description) }
        if filter.isFiltering, let sorting {
            state["sorting"] = .array(sorting.map { words in .array(words.map { .string($0) }) })
        }
        if let orderTypes { state["types"] = .array(orderTypes.map { .string($0) }) }
        if isReading, let because { state["because"] = .string(because) }
        if let window { state["window"] = window.json }
        if let record { state["storage"] = record.json }
        if numbered > 0 { state["numbered"] = .int(Int(numbered)) }
        return JSONWriter.write(.object(state))
    }

    private static func value(_ bound: KeyBound?) -> JSONValue {
        guard let bound else { return .null }
        return .array(bound.values.map { .string($0) })
    }

    private static func bound(_ value: JSONValue?) throws -> KeyBound? {
        guard let values = value?.arrayValue else { return nil }
        return KeyBound(
            try values.map { value in
                guard let text = value.stringValue else { throw unreadable }
                return text
            })
    }

    private static var unreadable: RunError {
        RunError(
            .internal, operation: "read", object: "the backfill state in flow.bindings",
            message: "it is not what this version writes")
    }
}
