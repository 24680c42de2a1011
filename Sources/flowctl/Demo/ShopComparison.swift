import Connectors
import Glibc
import Postgres

/// Compares the shop at both ends, row for row, while its traffic goes on and without holding it up.
///
/// What makes it exact: the traffic has one writer, and each of its transactions adds one to `shop.pulse`. So the
/// source's states are numbered, and a snapshot says by itself which number it shows. Several REPEATABLE READ snapshots are held
/// at the source, of different numbers; then snapshots are taken at the destination, one after another, until one shows a
/// number that is held. Both stay as they are while the tables are read, however far the shop has gone on meanwhile. The
/// destination commits several transactions as one, so it shows few of the numbers: a snapshot that it is past is taken anew.
///
/// Equal means: as many rows, and an equal sum of a 64-bit hash over the text of every row.
struct ShopComparison {
    /// One table's count and sum at both ends.
    struct Table {
        var name: String
        var source: Digest
        var destination: Digest

        var isEqual: Bool { source == destination }
    }

    struct Digest: Equatable {
        var rows: Int
        var sum: String
    }

    /// Snapshots that are held at once.
    static let snapshots = 12

    /// The number of the state that was compared.
    var transaction: Int
    var tables: [Table]

    var isEqual: Bool { tables.allSatisfy(\.isEqual) }

    /// Runs on connections of its own, each in one transaction. Gives up after `seconds`, or nil when it is asked to stop.
    /// `sources`: one connection for each snapshot that is held at once.
    static func make(
        sources: [Connection], destination: Connection, destinationSchema: String, within seconds: Double,
        stop: StopSignal
    ) throws -> ShopComparison? {
        let start = MonotonicClock.now
        defer {
            for source in sources { try? source.execute("ROLLBACK") }
            try? destination.execute("ROLLBACK")
        }
        var held: [(number: Int, source: Connection)] = sources.map { (-1, $0) }
        while MonotonicClock.seconds(since: start) < seconds {
            if stop.isRequested { return nil }
            let shown = try snapshot(destination, schema: destinationSchema)
            guard let source = held.first(where: { $0.number == shown && shown >= 0 })?.source else {
                // One a round, so that those that are held spread over the states that are still to come.
                if let passed = held.firstIndex(where: { $0.number <= shown }) {
                    held[passed].number = try snapshot(held[passed].source, schema: Shop.schema)
                }
                continue
            }
            let number = shown
            var tables: [Table] = []
            for (name, _) in Shop.tables {
                if stop.isRequested { return nil }
                let columns = try columnList(source, name)
                tables.append(
                    Table(
                        name: name, source: try digest(source, QualifiedName(Shop.schema, name), columns),
                        destination: try digest(destination, QualifiedName(destinationSchema, name), columns)))
            }
            return ShopComparison(transaction: number, tables: tables)
        }
        throw RunError(
            .transient, operation: "compare", object: "the shop at both ends",
            message: "the destination showed none of the source's states within \(Int(seconds)) s")
    }

    /// Takes a new snapshot; returns the number of the state that it shows, or -1 where the destination has none yet.
    private static func snapshot(_ connection: Connection, schema: String) throws -> Int {
        try connection.execute("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        let rows = try connection.query("SELECT transactions FROM \(QualifiedName(schema, Shop.pulse))")
        return rows[0, 0].flatMap { Int($0) } ?? -1
    }

    private static func columnList(_ connection: Connection, _ table: String) throws -> String {
        let name = QualifiedName(Shop.schema, table)
        let rows = try connection.query(
            """
            SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = \(literal: name.quoted)::regclass AND attnum > 0 AND NOT attisdropped
            """)
        return rows[0, 0] ?? ""
    }

    private static func digest(_ connection: Connection, _ table: QualifiedName, _ columns: String) throws -> Digest {
        let rows = try connection.query(
            """
            SELECT count(*), coalesce(sum(hashtextextended(ROW(\(raw: columns))::text, 0)::numeric), 0) FROM \(table)
            """)
        return Digest(rows: rows[0, 0].flatMap { Int($0) } ?? -1, sum: rows[0, 1] ?? "")
    }
}
