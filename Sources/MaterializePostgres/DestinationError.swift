import Connectors
import Postgres

/// What a statement was about when it failed: named in the error, never with a row's values.
struct ErrorScope {
    /// What was being done, as a phrase: `store rows`.
    var operation: String
    /// The object as a user names it: `table public.orders`.
    var object: String?
    /// The materialization, and the binding's index in its list.
    var task: String?
    var binding: Int?
    /// Whether a row can be what is refused.
    var isOfRows = true

    func error(
        _ kind: RunError.Class, _ message: String, hint: String? = nil, sqlState: String? = nil
    ) -> RunError {
        RunError(
            kind, operation: operation, object: object, message: message, hint: hint, sqlState: sqlState, task: task,
            binding: binding)
    }

    /// The one place where a failure of the destination's server becomes one of the run.
    func error(_ error: PostgresError) -> RunError {
        let kind = ErrorScope.kind(of: error)
        var told = self.error(kind, message(of: error), hint: hint(for: error), sqlState: error.sqlState)
        if isOfRows, kind == .needsOperator, ErrorScope.isRowFault(error) {
            told.rowFault = RowFault(
                schema: error.schema, table: error.table, constraint: error.constraint,
                nullColumn: error.sqlState == "23502" ? error.column : nil)
        }
        told.mayBeStale = error.sqlState.map(ErrorScope.staleStates.contains) ?? false
        return told
    }

    /// What rows run into where the destination was prepared for other types: text that is none of an enum's labels or of a
    /// composite's form, a null or a value that a constraint refuses, a column that is not there.
    private static let staleStates: Set<String> = ["22P02", "23502", "23514", "42703"]

    /// Whether it is a row that was refused: by a constraint, a type, a trigger, a view's or an index' limits. Classes that a
    /// trigger's own SQLSTATE can have are among them.
    private static func isRowFault(_ error: PostgresError) -> Bool {
        guard let state = error.sqlState, let first = state.unicodeScalars.first else { return false }
        switch state {
        // A division by zero of ours; too complex a statement; too many columns.
        case "22012", "54001", "54011": return false
        default: break
        }
        if ["22", "23", "44", "54", "P0"].contains(String(state.prefix(2))) { return true }
        // The standard leaves classes from I to Z to implementations; XX is the server's own.
        return first >= "I" && first <= "Z" && !state.hasPrefix("XX") && !state.hasPrefix("P")
    }

    /// Runs `body`, whose `PostgresError`s become errors of this scope.
    func rethrowing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PostgresError {
            throw self.error(error)
        }
    }

    // MARK: - By SQLSTATE (manual, "PostgreSQL Error Codes")

    private static func kind(of error: PostgresError) -> RunError.Class {
        guard let state = error.sqlState else {
            switch error.kind {
            case .transient: return .transient
            case .unreachable: return .unreachable
            case .authentication: return .authentication
            case .needsOperator, .fatal: return .needsOperator
            }
        }
        switch state {
        case "40001", "40P01", "53300", "53400", "55006", "55P03", "57014", "25P03", "25P04", "0A001": return .transient
        // "cached plan must not change result type", "tuple concurrently updated": gone with a new session.
        case "XX000": return .transient
        default: break
        }
        switch state.prefix(2) {
        case "08": return .transient
        case "57": return .transient
        case "28": return .authentication
        default:
            return error.isConnectionLost && !state.hasPrefix("3D") && state != "42501" ? .transient : .needsOperator
        }
    }

    /// The server's own words, but for the classes whose words quote values.
    private func message(of error: PostgresError) -> String {
        guard let state = error.sqlState else { return error.message }
        let column = ErrorScope.column(of: error).map { " of column \"\($0)\"" } ?? ""
        switch state {
        case "23502": return "a row has no value for the column \"\(error.column ?? "?")\", which is NOT NULL"
        case "23503": return "a row violates the foreign key \(quoted(error.constraint)) of \(table(error))"
        case "23505": return "a row violates the unique constraint \(quoted(error.constraint)) of \(table(error))"
        case "23514" where error.constraint == nil && error.table != nil:
            return "a row has no place in the partitioned table \(qualified(error)): a partition is missing for it"
        case "23514": return "a row violates the check constraint \(quoted(error.constraint)) of \(table(error))"
        case "23P01": return "a row violates the exclusion constraint \(quoted(error.constraint)) of \(table(error))"
        case "22001": return "a value\(column) is longer than the column's type allows"
        case "22003": return "a value\(column) is out of the column type's range"
        case "22P05": return "a value\(column) has a character that the destination's encoding lacks"
        case "22021": return "a value\(column) has bytes that are no text in the destination's encoding"
        case "22P02", "22007", "22008", "22P03": return "a value\(column) is none of the column's type"
        default: break
        }
        if state.hasPrefix("P0") {
            return "a function or trigger at the destination refused a row; its words can quote values, and stand in "
                + "that server's log"
        }
        if state.hasPrefix("22") || state.hasPrefix("23") { return "a row's value\(column) is refused" }
        return error.message
    }

    private func hint(for error: PostgresError) -> String? {
        // What is known of TLS, of a tunnel or of a platform.
        if error.operation.hasPrefix("connect to"), let hint = error.hint { return hint }
        if error.kind == .unreachable { return "check the address, and that the server runs and listens there" }
        switch error.sqlState {
        case "42501": return error.hint ?? grant(for: error.message)
        case "3D000": return "check the database's name (case is significant)"
        case "28P01", "28000": return "check the user, the password and the server's pg_hba.conf"
        case "57P03":
            return "the destination is starting, recovering or stopping: it takes connections again when it is done"
        case "53100": return "free or add disk space at the destination"
        case "25006": return "the destination takes no writes: name the primary in the materialization's address"
        case "26000", "42P05":
            return "a pooler in transaction mode can't be used: name the database server itself in the address"
        case "23503": return foreignKeyHint(error)
        case "23514" where error.constraint == nil && error.table != nil:
            let name = qualified(error)
            return
                "add the partition at the destination: CREATE TABLE … PARTITION OF \(name) FOR VALUES …; or one for all the "
                + "rows that have none: CREATE TABLE … PARTITION OF \(name) DEFAULT"
        case "23505" where error.constraint != nil && error.table != nil: return unique(error)
        case "42P01", "42883", "42704":
            guard isOfRows, let context = error.context, context.contains("function ") else { return error.hint }
            return
                "a function at the destination, of a trigger most likely, names things without their schema, and flowctl's "
                + "sessions look in none: run ALTER FUNCTION \(function(in: context) ?? "…") SET search_path = … (its schemas)"
        case "23502", "23505", "23514", "23P01":
            return
                "the destination has a constraint that the source does not hold to: drop it there, or mend the row at "
                + "the source"
        case "22P02":
            return
                "compare the column's type at both ends (for an enum: its labels; where rows with a label's old name still "
                + "wait in the log, have the table read again)"
        case "22P05": return "make the destination's database with ENCODING 'UTF8', which has every character"
        case "22021": return "mend the row at the source, whose encoding SQL_ASCII takes any bytes for text"
        case let state? where state.hasPrefix("P0") || state.hasPrefix("22"): return nil
        default: return error.hint
        }
    }

    /// In a backfill rows can come before those that they refer to; else each table's come after those, so far as there is an order.
    private func foreignKeyHint(_ error: PostgresError) -> String {
        let grant =
            "let the destination's user set session_replication_role, under which foreign keys are not checked (15 and later: GRANT "
            + "SET ON PARAMETER session_replication_role TO …)"
        guard !["copy rows", "replace rows", "commit a chunk of"].contains(operation) else {
            return
                "rows are copied that may be newer than those that they refer to: start again, drop the foreign key until the "
                + "backfills are done, or " + grant
        }
        guard let schema = error.schema, let table = error.table, let constraint = error.constraint else {
            return grant
        }
        let deferring =
            "ALTER TABLE \(QualifiedName(schema, table)) ALTER CONSTRAINT \(Identifier(constraint)) DEFERRABLE INITIALLY DEFERRED"
        return
            "where the source has the same foreign key, rows refer to each other in a circle, or those of one table come before "
            + "others of it: run \(deferring), or \(grant). Where it has none, drop it here"
    }

    /// What mends a refusal, by the object that the server's words (aclcheck_error) name.
    private func grant(for message: String) -> String {
        let words = message.split(separator: " ", maxSplits: 4).map(String.init)
        let name = words.last ?? ""
        switch (words.count == 5, words.prefix(3), words.count > 3 ? words[3] : "") {
        case (true, ["permission", "denied", "for"], "database"):
            return "as the database's owner: GRANT CREATE ON DATABASE \(Identifier(name)) TO the destination's user"
        case (true, ["permission", "denied", "for"], "schema"):
            return "as the schema's owner: GRANT USAGE, CREATE ON SCHEMA \(Identifier(name)) TO the destination's user"
        case (true, ["permission", "denied", "for"], "table"):
            return
                "as the table's owner: GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \(object ?? "table \(name)") "
                + "TO the destination's user"
        case (true, ["must", "be", "owner"], "of"):
            return "have the owner run it, or make the destination's user the owner (ALTER TABLE … OWNER TO …)"
        default: return "flowctl check says which rights the destination's user lacks, and the SQL that grants them"
        }
    }

    /// The column that the server names, or that it was reading from a COPY.
    private static func column(of error: PostgresError) -> String? {
        if let column = error.column { return column }
        guard let context = error.context, let start = context.firstRange(of: ", column ")?.upperBound,
            let end = context[start...].firstIndex(of: ":")
        else { return nil }
        return String(context[start..<end])
    }

    /// What mends a refusal by a unique index. The values of the row are not shown, only which columns they are of.
    private func unique(_ error: PostgresError) -> String {
        let name = Identifier(error.constraint ?? "")
        let table = qualified(error)
        var columns: Substring?
        if let detail = error.detail, let start = detail.firstIndex(of: "("), let end = detail.firstRange(of: ")=(") {
            columns = detail[detail.index(after: start)..<end.lowerBound]
        }
        let other = "or the source does not hold to it: then drop it there, or mend the row at the source"
        guard let columns, !columns.contains("(") else {
            return
                "rows that exchange values of an index on an expression are refused by it: drop it at the destination; \(other)"
        }
        return
            "the source's rows may only exchange its values, or take one that another row gives up: have it looked at when the "
            + "transaction ends: ALTER TABLE \(table) DROP CONSTRAINT \(name), ADD CONSTRAINT \(name) UNIQUE (\(columns)) "
            + "DEFERRABLE INITIALLY DEFERRED (for an index that is no constraint: DROP INDEX first); \(other)"
    }

    /// The function that a context's first line names, with its arguments.
    private func function(in context: String) -> Substring? {
        guard let start = context.firstRange(of: "function ")?.upperBound,
            let end = context[start...].firstIndex(of: ")")
        else { return nil }
        return context[start...end]
    }

    private func qualified(_ error: PostgresError) -> String {
        guard let table = error.table else { return object ?? "the table" }
        return error.schema.map { QualifiedName($0, table).quoted } ?? Identifier(table).quoted
    }

    private func table(_ error: PostgresError) -> String {
        guard let table = error.table else { return "a table" }
        return "table \(error.schema.map { $0 + "." } ?? "")\(table)"
    }

    private func quoted(_ name: String?) -> String {
        name.map { "\"\($0)\"" } ?? "(unnamed)"
    }
}
