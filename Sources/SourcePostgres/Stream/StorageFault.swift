import Connectors

/// What happened to a table's rows that the log doesn't show.
enum StorageFault: Equatable, Sendable {
    /// A partition came that may have had rows.
    case attached(String)
    /// A partition went that may have had rows.
    case left(String)
    /// A partition went and came back.
    case moved(String)
    /// A partition alone was truncated or written anew.
    case emptied(String)
    /// The values of a column were written anew.
    case rewritten(column: String)
    /// Columns got other types, and all rows were written anew: whether with other values can't be told. A warning.
    case retyped(columns: [String])
    /// The table was written anew by something that isn't known. A warning.
    case writtenAnew
    /// A column that the source computed is an ordinary one now.
    case ungenerated(column: String)
    /// Columns got other types, whose values are other texts: of concern to who keeps them as text.
    case reworded(columns: [String])
    /// The types of columns stayed and are made of other labels or attributes. `isExchanged`: what is called by a label's name now
    /// is not what was.
    case redefined(columns: [String], isExchanged: Bool)
    /// Nothing that keeps a key unique was there all the time.
    case notUnique([String])
    /// Old rows of a partition may have lacked what tells rows apart.
    case otherIdentity(String)
    /// Changes of the table, or of a partition, are in no log, or in another server's.
    case unlogged(String?)
    case foreign(String)

    var message: String {
        switch self {
        case .attached(let name):
            "its partition \(name) may have had rows as it was attached, and the log has none of them"
        case .left(let name):
            "its partition \(name) was dropped or detached, and the log does not show that the rows in it are gone"
        case .moved(let name):
            "its partition \(name) was detached and attached again, and the log lacks what happened to it meanwhile"
        case .emptied(let name):
            "its partition \(name) was truncated or written anew by itself, and the log does not show what became of its rows"
        case .rewritten(let column):
            "its column \"\(column)\" was written anew (ALTER … TYPE … USING, most likely), and the log has none of the "
                + "new values"
        case .retyped(let columns):
            (columns.count == 1
                ? "its column \"\(columns[0])\" has another type now" : StorageFault.otherTypes(columns))
                + ", and its rows were written anew: where a USING computed other values than the cast, the log has none of "
                + "them"
        case .writtenAnew:
            "it was written anew and has no row from before (SET UNLOGGED and LOGGED again, SET ACCESS METHOD and "
                + "pg_repack do that): changes made while it was UNLOGGED are not in the log"
        case .ungenerated(let column):
            "its column \"\(column)\" was generated before: the log never had the values of its old rows"
        case .reworded(let columns):
            (columns.count == 1
                ? "its column \"\(columns[0])\" has another type now" : StorageFault.otherTypes(columns))
                + ", and the destination has the old values' texts (castToString or DDL in the catalog), which the log does not renew"
        case .redefined(let columns, _):
            "the type of \(StorageFault.list(columns)) has other names for its labels, or other attributes: what the log and the "
                + "destination have as text from before is to be read by the old ones"
        case .notUnique(let key):
            "what keeps its key (\(key.joined(separator: ", "))) unique was dropped and made anew: rows that shared a key "
                + "meanwhile would have overwritten each other"
        case .otherIdentity(let name):
            "its partition \(name) had another replica identity for a while, as far as can be told, and old rows lacked what "
                + "tells rows apart"
        case .unlogged(nil): "it is unlogged now: its changes since are not in the log"
        case .unlogged(let name?): "its partition \(name) is unlogged: nothing of it is in the log"
        case .foreign(let name): "its partition \(name) is a foreign table: its changes are in another server's log"
        }
    }

    /// What to do before the table is read again; nil where nothing has to be done.
    func remedy(_ table: TableSource) -> String? {
        switch self {
        case .unlogged(let name): "ALTER TABLE \(name ?? "\(table.name)") SET LOGGED"
        case .foreign(let name): "detach \(name)"
        default: nil
        }
    }

    /// What mends a table that a link may read again by itself; nil where something has to be done first, or nothing is certain.
    var need: LogGap.Need? {
        switch self {
        case .attached, .moved, .emptied, .rewritten, .ungenerated, .reworded, .redefined, .notUnique, .otherIdentity:
            .rows
        case .left: .removals
        case .retyped, .writtenAnew, .unlogged, .foreign: nil
        }
    }

    /// What is to be mended for a binding; nil where a link can't do that by itself. Rows without a key can't be looked for one by
    /// one: the table is read, and compared as a whole.
    func gap(of binding: LinkBinding) -> LogGap? {
        guard var need else { return nil }
        if binding.isKeylessMirror { need = .rows }
        let isMended = need == .rows ? binding.isMendedByReading : binding.isMendedByRemoving
        return isMended ? LogGap(need, message) : nil
    }

    /// Whether it can be harmless, and is only to be said.
    var isWarning: Bool {
        switch self {
        case .retyped, .writtenAnew: true
        default: false
        }
    }

    /// What is said of a warning. `remedy`: what has the table read again.
    func finding(_ table: TableSource, _ remedy: String) -> StatusFinding {
        StatusFinding(
            isFatal: false, message: "table \(table.name): \(message)",
            hint: "if that was so, have the table read again: \(remedy)")
    }

    private static func otherTypes(_ columns: [String]) -> String { "its \(list(columns)) have other types now" }

    private static func list(_ columns: [String]) -> String {
        (columns.count == 1 ? "column " : "columns ") + columns.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    private static func first(_ remedy: String?) -> String { remedy.map { "\($0), then " } ?? "" }

    /// What stops a link, if only to have it mend the table. `remedy`: what has the table read again.
    func error(_ table: TableSource, _ remedy: String, task: String, _ binding: LinkBinding) -> RunError {
        var error = RunError(
            .needsOperator, operation: "follow", object: "table \(table.name)", message: message,
            hint: StorageFault.first(self.remedy(table)) + binding.mending(remedy), task: task, binding: binding.index)
        error.gap = gap(of: binding)
        if error.gap == nil, self.remedy(table) == nil, !binding.skipsBackfill { error.incompatibility = .init() }
        return error
    }

    /// What keeps a capture from beginning.
    func refusal(_ table: TableSource) -> RunError {
        RunError(
            .needsOperator, operation: "follow", object: "table \(table.name)", message: message,
            hint: StorageFault.first(remedy(table))
                + "have the table read again, where it was followed: raise `backfill` of its binding "
                + "in the capture", binding: table.binding)
    }

    /// What ends a session: the next one finds what each link makes of it, and says or does what is to be done.
    func error(_ table: TableSource) -> RunError {
        RunError(
            .transient, operation: "follow", object: "table \(table.name)", message: message, binding: table.binding)
    }
}

extension StorageFault {
    /// A part of the table that no log has, or another server's.
    static func unlogged(_ found: FoundStorage, of table: TableSource) -> StorageFault? {
        for (oid, facts) in found.facts.sorted(by: { $0.key < $1.key }) {
            let name = found.record.parts[oid]?.name ?? ""
            if facts.kind == "f" { return .foreign(name) }
            if facts.persistence != "p", facts.kind != "p" { return .unlogged(oid == table.oid ? nil : name) }
        }
        return nil
    }
}
