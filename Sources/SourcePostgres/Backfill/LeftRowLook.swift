import Connectors
import Glibc
import Postgres

/// Reads values of rows that are at the source exactly as transactions left them.
///
/// Invariant: a row counts whose version was written by the transaction in question (`xmin`), and whose replica identity has the very
/// texts of the log. The log has no later change of the row by that transaction, and nobody else's version has its number. A subtransaction's
/// versions have another one, and don't count. What changes rows without a word in the log (a column that is given a type, another file) leaves
/// the catalog's row of the column, or of the table, with a number that is not older: then nothing counts. Nor do values of types whose text can change
/// while the value stays: labels are renamed, and composites get attributes.
///
/// Who commits is in the log before others see it: such a transaction is waited for, up to about a second.
struct LeftRowLook {
    let table: TableSource
    /// The rows', as the log has it.
    let shape: TableShape
    /// Places in the shape.
    let columns: [Int]

    /// Milliseconds between looks, for a transaction that is not seen yet.
    private static let pauses = [1, 2, 5, 10, 20, 50, 100, 200, 300, 300]
    /// A column, an operator or a table that the server does not find, and a value that is none of the column's type.
    private static let mismatches: Set<String> = ["42703", "42883", "42P01", "22P02", "42846"]
    /// Transactions that lie no more than this behind are younger than the one in question; others are older, whatever their number.
    private static let youngest: Int32 = 1 << 30
    private static let firstUserType: UInt32 = 16384

    func run(_ questions: [LeftRow], on connection: Connection) throws -> LeftRows {
        let found = LeftRows(rows: ChangeBatch(), first: Array(repeating: nil, count: questions.count))
        let identity = shape.columns.indices.filter { shape.columns[$0].isIdentity }
        let asked = columns.filter(isAskable)
        // Each partition has an identity of its own, and the log speaks of the root's.
        guard !table.isPartitioned, !asked.isEmpty, identity.allSatisfy({ shape.columns[$0].attribute != nil }) else {
            return found
        }
        let operators = try operators(of: identity, connection)
        var answers = found
        var open = Array(questions.indices)
        for pause in [0] + LeftRowLook.pauses {
            if pause > 0 {
                var time = timespec(tv_sec: 0, tv_nsec: pause * 1_000_000)
                nanosleep(&time, nil)
            }
            let keys = open.map { questions[$0] }
            guard let rows = try look(keys, identity, operators, asked, connection) else { return found }
            open = take(rows, of: open, questions, identity, asked, into: &answers)
            if open.isEmpty { break }
        }
        return answers
    }

    private func isAskable(_ place: Int) -> Bool {
        let column = shape.columns[place]
        guard column.attribute != nil, !column.isIdentity else { return false }
        return column.typeOID < LeftRowLook.firstUserType
            || !shape.types.contains { type in
                switch type.kind {
                case .enumeration, .composite: true
                case .domain, .extensionType: false
                }
            }
    }

    private func operators(of identity: [Int], _ connection: Connection) throws -> [KeyOperators] {
        let types = identity.map { shape.columns[$0].typeOID }
        guard types.contains(where: { $0 >= LeftRowLook.firstUserType }) else { return types.map { _ in .builtIn } }
        return try KeyOperators.read(of: types, on: connection)
    }

    /// A row for each question: whether the table and its columns are what the shape says, the snapshot, who wrote the catalog's rows of
    /// them; then who wrote the row, its identity, and what was asked. Nil where the server does not find what is named.
    private func look(
        _ questions: [LeftRow], _ identity: [Int], _ operators: [KeyOperators], _ asked: [Int],
        _ connection: Connection
    ) throws -> Rows? {
        func name(_ place: Int) -> String { Identifier(shape.columns[place].name).quoted }
        let list = KeyList(types: identity.map { shape.columns[$0].type })
        let keys = questions.map { $0.key.map { Optional(String(decoding: $0, as: UTF8.self)) } }
        let tests = identity.indices.map { "r.i\($0) \(operators[$0].equal) q.\(KeyList.name($0))" }
        // As the log writes them: a cast takes blanks from a char(n), and spells out a boolean.
        var read = ["xmin::text AS x"]
        for (number, place) in identity.enumerated() {
            read += ["\(name(place)) AS i\(number)", "format('%s', \(name(place))) AS t\(number)"]
        }
        for (number, place) in asked.enumerated() {
            read.append("CASE WHEN \(name(place)) IS NOT NULL THEN format('%s', \(name(place))) END AS c\(number)")
        }
        let shown = ["r.x"] + identity.indices.map { "r.t\($0)" } + asked.indices.map { "r.c\($0)" }
        let named = identity + asked
        let numbers = ArrayText.of(named.map { String(shape.columns[$0].attribute ?? 0) })
        let names = ArrayText.of(named.map { shape.columns[$0].name })
        let oid = String(table.oid)
        do {
            return try connection.query(
                """
                SELECT to_regclass(\(literal: table.name.quoted))::oid = \(literal: oid)::oid AND (
                         SELECT count(*) FROM unnest(\(literal: numbers)::int[], \(literal: names)::text[])
                                AS n (number, name)
                           JOIN pg_attribute a ON a.attrelid = \(literal: oid)::oid AND a.attnum = n.number
                            AND a.attname = n.name AND NOT a.attisdropped) = \(raw: String(named.count)),
                       pg_current_snapshot()::text,
                       (SELECT string_agg(w.x, ',') FROM (
                          SELECT xmin::text FROM pg_attribute
                           WHERE attrelid = \(literal: oid)::oid AND attnum = ANY (\(literal: numbers)::int[])
                          UNION ALL SELECT xmin::text FROM pg_class WHERE oid = \(literal: oid)::oid) AS w (x)),
                       q.n, \(raw: shown.joined(separator: ", "))
                  FROM \(raw: list.sql(keys, as: "q")) LEFT JOIN (
                       SELECT \(raw: read.joined(separator: ", ")) FROM \(table.rows)) AS r
                    ON \(raw: tests.joined(separator: " AND "))
                 ORDER BY q.n
                """)
        } catch let error as PostgresError where error.sqlState.map(LeftRowLook.mismatches.contains) == true {
            return nil
        }
    }

    /// Takes the answers to `open`; returns those that a later look may answer.
    private func take(
        _ rows: Rows, of open: [Int], _ questions: [LeftRow], _ identity: [Int], _ asked: [Int],
        into answers: inout LeftRows
    ) -> [Int] {
        guard rows.count > 0, rows[0, 0] == "t", let snapshot = rows[0, 1].flatMap({ Snapshot($0) }) else { return [] }
        let writers = (rows[0, 2] ?? "").split(separator: ",").compactMap { UInt32($0) }
        var unseen: [Int] = []
        for row in 0..<rows.count {
            guard let number = rows[row, 3].flatMap({ Int($0) }), open.indices.contains(number - 1) else { continue }
            let place = open[number - 1]
            let question = questions[place]
            guard snapshot.sees(question.transaction) else {
                if unseen.last != place { unseen.append(place) }
                continue
            }
            let key = identity.indices.map { rows[row, 5 + $0].map { Array($0.utf8) } }
            guard rows[row, 4].flatMap({ UInt32($0) }) == question.transaction, key == question.key.map(Optional.init),
                !writers.contains(where: { isYounger($0, than: question.transaction) })
            else { continue }
            answers.first[place] = answers.rows.nextField
            for column in columns {
                if let index = asked.firstIndex(of: column), let text = rows[row, 5 + identity.count + index] {
                    answers.rows.appendText(text)
                } else {
                    answers.rows.appendUnchanged()
                }
            }
        }
        return unseen
    }

    /// Whether a transaction is this one, or came after it.
    private func isYounger(_ id: UInt32, than other: UInt32) -> Bool {
        (0..<LeftRowLook.youngest).contains(Int32(bitPattern: id &- other))
    }
}

extension PostgresBackfills {
    func rowsLeft(
        _ binding: Int, as questions: [LeftRow], columns: [Int], shape: TableShape
    ) throws -> LeftRows {
        let look = LeftRowLook(table: tables[binding].table, shape: shape, columns: columns)
        return try ask("look up rows") { try look.run(questions, on: $0) }
    }
}
