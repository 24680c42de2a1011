import Connectors
import Postgres

/// The transaction from which on a row must be for a backfill to read it: `advanced.min_backfill_xid`.
///
/// A row's `xmin` has 32 bits. Of the transactions that it can stand for, the newest counts that the snapshot can see; so it
/// is exact for every row younger than one round of ids (four billion transactions), and a row that VACUUM froze longer ago may be
/// taken for a younger one. Invariant: no row that is at or after the transaction is ever left out.
///
/// A number below 2^32 stands for the newest transaction with these bits, as one reads them from a row; a greater one is
/// the whole number, as `pg_current_xact_id()` gives it.
struct OldestTransaction: Sendable, Equatable {
    private let number: UInt64
    /// As it was given.
    private let text: String

    /// Nil for what no transaction's number can be.
    init?(_ text: String) {
        guard let number = UInt64(text), number <= UInt64(Int64.max) else { return nil }
        self.number = number
        self.text = text
    }

    private var isWhole: Bool { number >> 32 > 0 }

    /// What a row of a table must satisfy, as SQL for a transaction whose snapshot lasts.
    var condition: String {
        condition(row: "xmin", newest: "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)")
    }

    /// Whether a row's `xmin` is at or after the transaction, as SQL, where `newest` is the last transaction that can be seen. Rows
    /// of the numbers 1 and 2 were made with the cluster, or frozen before it was upgraded from 9.3 or older: nothing is older.
    func condition(row: String, newest: String) -> String {
        guard number > 2 else { return "true" }
        /// Of the numbers with these bits, the greatest that is not after the newest.
        func whole(_ bits: String) -> String { "\(newest) - ((\(newest) - \(bits)) & 4294967295)" }
        let bits = "\(row)::text::bigint"
        return "\(bits) > 2 AND \(whole(bits)) >= \(isWhole ? "\(number)" : whole("\(number)"))"
    }

    /// Throws where the server has not come to the transaction: every row would be left out.
    func require(_ connection: Connection) throws {
        let rows = try connection.query("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        guard let next = rows[0, 0].flatMap({ UInt64($0) }), number > next, isWhole || next >> 32 == 0 else { return }
        throw RunError(
            .needsOperator, operation: "begin with", object: "advanced.min_backfill_xid",
            message: "the source's next transaction is \(next), and it says \(text): no row would be read",
            hint: "take a number of this server: SELECT xmin FROM …, or SELECT pg_current_xact_id()")
    }
}

extension PostgresCapture {
    /// What the config and the table's binding let a backfill read; nil for all rows. Each condition on lines of its own: it may
    /// end in a comment.
    func backfillCondition(of table: CapturedTable) -> String? {
        let terms = [table.backfillFilter, config.oldestTransaction?.condition].compactMap { $0 }
        return terms.isEmpty ? nil : terms.joined(separator: "\n) AND (\n")
    }
}
