import Connectors
import Postgres

/// A fault that what the log is still to show can disprove.
struct StorageDoubt: Sendable {
    var part: UInt32
    var fault: StorageFault
    /// It stands, whatever the log shows.
    var isCertain: Bool
    /// The transaction that wrote the catalog's row of the part: where the log shows that this one truncated the whole table,
    /// there was nothing wrong.
    var version: String?
    /// Every row has been written since, by what the log shows. Of a mirror that says nothing: what updates leave out it takes from the
    /// row that it has.
    var isRenewed = false
    /// Where the log shows nothing of the part, there was nothing in it.
    var wasEmpty = false

    /// Whether rows may have gone with a partition: no matter to who keeps them. (What the log had of them while it was there, it
    /// has; one that comes back is a partition that comes.)
    var isOfGonePart: Bool {
        if case .left = fault { true } else { false }
    }

    /// Whether it matters to what a destination holds of the table.
    ///
    /// Invariant: where a label's name or a type's text means something else than before, no row from before it is stored by it, and none
    /// that is stored keeps it. So a column that the catalog has as text is read again whenever its texts are others. One that has the
    /// source's type renames its labels with it: what can go wrong are rows that wait in the log, by the old names. Read again, those
    /// don't matter; who can't be read again goes on where a name that is gone is refused, and not taken for another one.
    func concerns(_ binding: LinkBinding) -> Bool {
        switch fault {
        case .notUnique: binding.mode == .upsert
        case .rewritten: binding.mode == .upsert || !isRenewed
        case .left: !binding.keepsRows
        case .reworded(let columns): columns.contains(where: binding.keepsText)
        case .redefined(let columns, let isExchanged):
            columns.contains(where: binding.keepsText)
                || columns.contains(where: binding.takes) && (isExchanged || binding.isMendedByReading)
        default: true
        }
    }
}

/// Finds what became of a table's rows between two looks at the catalog, other than by changes that the log shows.
///
/// Each rule must be sure where it lets something pass; where it can't be, the table has to be read again:
/// - A partition came: it had no row if it has not a page and still its first file; or if it was made as a partition.
/// - A partition went: it had no row if it never had a page; or if it had none before, and the log shows none since.
/// - A partition has another file: its rows are the same if one of them is older than the last look (a TRUNCATE leaves none, a
///   rewrite by ALTER gives all of them new transactions; VACUUM FULL and CLUSTER keep them), or if one was written by the
///   command that gave a column another type or added one, which is for the schema's evolution to follow. It was truncated
///   with the whole table if the log shows so.
/// - The log has a column that it didn't have: it is a new one if its number is.
/// - A plain table has another file, and the catalog's row of a column that has the same type is another: as with partitions,
///   a row that is older says that its values were kept.
/// - A column has a type whose values are other texts, or its type has other labels or attributes: what was stored as text, or waits
///   in the log as such, means something else.
/// - One whose columns were given types that the server makes by itself without writing rows, and that has rows of the command
///   which did it: its `USING` computed other values.
///
/// What a change of a type explains can hide a `USING` that computed other values, and what was done besides between the same
/// two looks: that is a warning. So is a table that has another file and no row from before, where the server would have let
/// somebody make it UNLOGGED and LOGGED again.
struct StorageComparison {
    let table: TableSource
    let old: StorageRecord
    let now: FoundStorage
    let reading: StorageReading
    /// For a question that reads rows.
    let seconds: Int

    /// Nil where somebody holds a lock that makes it impossible to tell: to be asked again.
    func run() throws -> [StorageDoubt]? {
        guard !old.isSame(as: now.record) else { return [] }
        var doubts = try ungenerated() + IndexComparison(table: table, old: old, now: now).run() + otherTexts()
        if !table.isPartitioned { return try compareFile().map { doubts + $0 } }
        let rows = now.record.parts.filter { now.facts[$0.key]?.kind != "p" }
        let new = rows.keys.filter { !isKnown($0) }.sorted()
        let gone = old.parts.filter { $0.value.file != 0 && now.record.parts[$0.key] == nil }.keys.sorted()
        let nodes = Set(new.flatMap { now.chain(of: $0, below: table.oid) })
        guard let details = try reading.details(of: nodes.sorted() + gone) else { return nil }
        for oid in new { doubts += newPart(oid, details) }
        for oid in gone {
            guard let part = old.parts[oid], details[oid]?.wasAlwaysEmpty != true else { continue }
            doubts.append(
                StorageDoubt(part: oid, fault: .left(part.name), isCertain: !part.isEmpty, wasEmpty: part.isEmpty))
        }
        for oid in rows.keys.sorted() where isKnown(oid) && rows[oid]?.file != old.parts[oid]?.file {
            guard let found = try otherFile(oid) else { return nil }
            doubts += found
        }
        return doubts
    }

    /// Whether the part is where it was, and so are all those that it is in.
    private func isKnown(_ oid: UInt32) -> Bool {
        now.chain(of: oid, below: table.oid).allSatisfy { old.parts[$0]?.place == now.record.parts[$0]?.place }
    }

    private func newPart(_ oid: UInt32, _ details: [UInt32: PartDetail]) -> [StorageDoubt] {
        guard let part = now.record.parts[oid], let detail = details[oid] else { return [] }
        if let before = old.parts[oid] {
            guard !detail.wasAlwaysEmpty else { return [] }
            return [StorageDoubt(part: oid, fault: .moved(before.name), isCertain: true)]
        }
        if detail.isEmpty, part.file == oid { return [] }
        let isMade = now.chain(of: oid, below: table.oid).allSatisfy { node in
            old.parts[node]?.place == now.record.parts[node]?.place || details[node]?.wasMadeAsPartition == true
        }
        if isMade { return [] }
        // One that was made as a partition can have been truncated with the whole table since.
        return [
            StorageDoubt(
                part: oid, fault: .attached(part.name), isCertain: part.file == oid, version: now.facts[oid]?.version)
        ]
    }

    private func otherFile(_ oid: UInt32) throws -> [StorageDoubt]? {
        guard let part = now.record.parts[oid], let before = old.parts[oid] else { return [] }
        guard let isKept = try keepsOldRows(oid) else { return nil }
        if isKept { return [] }
        if rewrittenColumn == nil {
            guard let isFollowed = try isWrittenByColumns(oid) else { return nil }
            if isFollowed { return try retypedPart(oid) }
        }
        return [
            StorageDoubt(
                part: oid, fault: .emptied(part.name), isCertain: false, version: now.facts[oid]?.version,
                wasEmpty: before.isEmpty)
        ]
    }

    /// Of a partition that was written as a column came or was given another type.
    private func retypedPart(_ oid: UInt32) throws -> [StorageDoubt]? {
        let retyped = retyped
        guard !retyped.isEmpty else { return [] }
        guard let details = try reading.details(of: [oid]) else { return nil }
        if details[oid]?.isEmpty == true { return [] }
        return [try warning(retyped)]
    }

    /// Columns that the source computed before.
    private func ungenerated() throws -> [StorageDoubt] {
        try now.record.columns.keys.sorted().filter { old.columns[$0] == nil && $0 <= old.highest }.map { number in
            StorageDoubt(part: table.oid, fault: .ungenerated(column: try name(of: number)), isCertain: true)
        }
    }

    private func otherTexts() throws -> [StorageDoubt] {
        let comparison = TextComparison(old: old, now: now.record)
        var faults: [StorageFault] = []
        if !comparison.reworded.isEmpty { faults.append(.reworded(columns: try comparison.reworded.map(name))) }
        if !comparison.redefined.isEmpty {
            faults.append(
                .redefined(columns: try comparison.redefined.map(name), isExchanged: comparison.isExchanged))
        }
        return faults.map { StorageDoubt(part: table.oid, fault: $0, isCertain: true) }
    }

    private func name(of number: Int) throws -> String {
        let rows = try reading.connection.query(
            """
            SELECT attname FROM pg_attribute
             WHERE attrelid = \(literal: String(table.oid))::oid AND attnum = \(number)
            """)
        return rows.count == 1 ? rows[0, 0] ?? "" : ""
    }

    /// Of a table without partitions: whose truncation the log shows.
    private func compareFile() throws -> [StorageDoubt]? {
        guard let part = now.record.parts[table.oid], part.file != old.parts[table.oid]?.file else { return [] }
        let rewritten = rewrittenColumn
        let retyped = retyped
        guard rewritten != nil || !retyped.isEmpty || canBeUnlogged else { return [] }
        guard let details = try reading.details(of: [table.oid]) else { return nil }
        if details[table.oid]?.isEmpty == true { return [] }
        if let number = rewritten {
            guard let isKept = try keepsOldRows(table.oid) else { return nil }
            if isKept { return [] }
            var doubt = StorageDoubt(part: table.oid, fault: .rewritten(column: try name(of: number)), isCertain: true)
            if let version = now.facts[table.oid]?.version {
                // Who gives a table another file writes its row in the catalog, and a rewrite's rows have the same transaction.
                guard
                    let isOld = try reading.hasRow(
                        table.oid, of: table, where: "age(xmin) >= age(\(literal: version)::xid)", seconds: seconds)
                else { return nil }
                doubt.isRenewed = !isOld
            }
            return [doubt]
        }
        guard let isKept = try seemsToKeepOldRows() else { return nil }
        if isKept { return [] }
        let isComputed = try isWrittenByGeneratedColumn()
        if retyped.isEmpty, isComputed { return [] }
        let warning = try warning(retyped)
        guard !isComputed, let number = retyped.first, let version = now.facts[table.oid]?.version,
            retyped.allSatisfy({ isMadeWithoutRows($0) && now.record.columns[$0]?.transaction == version[...] })
        else { return [warning] }
        guard let isKept = try keepsOldRows(table.oid),
            let isWritten = try reading.hasRow(
                table.oid, of: table, where: "xmin = \(literal: version)::xid", seconds: seconds)
        else { return nil }
        if isKept { return [] }
        guard isWritten else { return [warning] }
        let fault = StorageFault.rewritten(column: try name(of: number))
        return [StorageDoubt(part: table.oid, fault: fault, isCertain: false, version: version), warning]
    }

    /// What may be wrong of a part that was written anew as columns were given other types, or for no reason that shows.
    private func warning(_ retyped: [Int]) throws -> StorageDoubt {
        let version = now.facts[table.oid]?.version
        let fault = retyped.isEmpty ? .writtenAnew : StorageFault.retyped(columns: try retyped.map { try name(of: $0) })
        // A TRUNCATE behind it leaves nothing of it; in the same transaction it can have been before.
        let isBehind = retyped.allSatisfy { now.record.columns[$0]?.transaction != version?[...] }
        return StorageDoubt(part: table.oid, fault: fault, isCertain: false, version: isBehind ? version : nil)
    }

    /// Whether the transaction that gave the table its file did so with a generated column, which has all rows written too. One that
    /// the log carries has values of its own.
    private func isWrittenByGeneratedColumn() throws -> Bool {
        guard let version = now.facts[table.oid]?.version else { return false }
        let rows = try reading.connection.query(
            """
            SELECT FROM pg_attribute a
             WHERE attrelid = \(literal: String(table.oid))::oid AND NOT \(LoggedColumns.condition(table.publisher)) AND xmin = \(literal: version)::xid
            """)
        return rows.count > 0
    }

    /// Columns that have another type, by number.
    private var retyped: [Int] {
        now.record.columns.filter { number, column in old.columns[number].map { $0.type != column.type } ?? false }
            .keys.sorted()
    }

    /// Whether the server writes no row to give the column the type that it has now. False where that isn't certain.
    private func isMadeWithoutRows(_ number: Int) -> Bool {
        guard let before = old.columns[number], let column = now.record.columns[number] else { return false }
        return TypeWidening(before.type, column.type)?.isFree == true
    }

    /// The server lets nobody make a table UNLOGGED that a publication names.
    private var canBeUnlogged: Bool {
        let kind = table.membership?.first
        return kind == "p" || kind == "n" || now.record.parts[table.oid]?.place.isEmpty == false
    }

    /// As `keepsOldRows`, for a warning: what takes long counts as no.
    private func seemsToKeepOldRows() throws -> Bool? {
        do {
            return try keepsOldRows(table.oid, seconds: 5)
        } catch let error as RunError where error.kind == .transient {
            return false
        }
    }

    /// A column whose catalog row is another one though its type stayed. One that is given another type has the rows of later
    /// columns written too, by the same command.
    private var rewrittenColumn: Int? {
        let columns = now.record.columns
        let retyped = retyped
        return columns.keys.sorted().first { number in
            guard let column = columns[number], let before = old.columns[number] else { return false }
            return before.type == column.type && before.version != column.version
                && !retyped.contains { $0 < number && columns[$0]?.version == column.version }
        }
    }

    /// Whether a row of the part was written by a transaction that had ended before the last look.
    private func keepsOldRows(_ oid: UInt32, seconds: Int? = nil) throws -> Bool? {
        // Beyond that the 32 bits of a row's transaction say nothing of which is older.
        guard now.record.horizon >= old.horizon, now.record.horizon - old.horizon < 1 << 30 else { return false }
        let horizon = String(UInt32(truncatingIfNeeded: old.horizon))
        return try reading.hasRow(
            oid, of: table, where: "age(xmin) > age(\(literal: horizon)::xid)", seconds: seconds ?? self.seconds)
    }

    /// Whether the part's rows were written by a command that gave a column another type, or added one.
    private func isWrittenByColumns(_ oid: UInt32) throws -> Bool? {
        let same = now.record.columns.filter { old.columns[$0.key]?.type == $0.value.type }
        let numbers = same.keys.sorted().map { String($0) }.joined(separator: ",")
        let versions = try reading.connection.query(
            """
            SELECT DISTINCT p.xmin FROM pg_attribute a JOIN pg_attribute p ON p.attname = a.attname
             WHERE a.attrelid = \(literal: String(table.oid))::oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attnum <> ALL ('{\(raw: numbers)}'::int2[])
               AND p.attrelid = \(literal: String(oid))::oid AND NOT p.attisdropped
            """)
        let written = (0..<versions.count).compactMap { versions[$0, 0] }
        let list = written.joined(separator: ",")
        guard !list.isEmpty else { return false }
        // It gave the part its file, too: nothing has since.
        if let version = now.facts[oid]?.version, written.contains(version) { return true }
        return try reading.hasRow(oid, of: table, where: "xmin = ANY ('{\(raw: list)}'::xid[])", seconds: seconds)
    }
}
