import Connectors

/// Where the values are that updates of an append-only table left out, which it has no earlier row of to take them from: in the log
/// itself, or in the source's row.
///
/// A line is one row's changes, one after another, as far as they are at hand: it is followed by its replica identity, whose changes
/// the log always shows, and ends with the row (a delete, a TRUNCATE, another row under its identity).
///
/// Invariants:
/// - A value that an update left out is the one that the line had before. Where an earlier change of the line has it, it is taken
///   from there.
/// - Else it is the value that the row had before the line, and has after it where no change of the line replaced it. The source's row
///   is asked for it as the transaction of the line's last change left it: what later transactions did to the row counts for nothing,
///   and a row that they have changed gives no answer. Not while that transaction goes on, whose next change may be of the row.
/// - Everything else stays left out.
struct UnchangedFill {
    private struct Line {
        /// By place in `columns`: the last change that has the value; -1 for what was before.
        var values: [Int]
        var last = 0
        /// Who the row is after its last change; nil where it ended, or may have.
        var key: [[UInt8]]?
    }

    private struct Gap {
        var change: Int
        var place: Int
        var line: Int
        /// The change that has the value; -1 for what was before the line.
        var source: Int
    }

    /// A value that is at hand.
    private enum Origin: Hashable {
        case change(Int, place: Int)
        case answer(Int, place: Int)
    }

    private let log: ContiguousArray<LoggedChange>
    private let width: Int
    /// The table's columns that some change has left out.
    let columns: [Int]
    private var lines: [Line] = []
    /// In the order of the changes.
    private var gaps: [Gap] = []

    /// `open`: the transaction that goes on, by its place. Columns that the binding does not take are left as they are.
    init(
        _ log: ContiguousArray<LoggedChange>, of shape: TableShape, for binding: LinkBinding, rows: RowPool,
        open: LogPosition?
    ) {
        self.log = log
        width = shape.columns.count
        let identity = shape.columns.indices.filter { shape.columns[$0].isIdentity }
        var lacking: Set<Int> = []
        for change in log where change.hasUnchanged {
            for column in 0..<width where rows.field(change.row, column).isUnchanged { lacking.insert(column) }
        }
        columns = lacking.sorted().filter { binding.takes(shape.columns[$0].name) }
        guard !identity.isEmpty else { return }
        follow(rows, identity)
        guard let open else { return }
        for index in lines.indices where log[lines[index].last].position == open { lines[index].key = nil }
    }

    private mutating func follow(_ rows: RowPool, _ identity: [Int]) {
        func key(_ row: RowReference) -> [[UInt8]]? {
            var key: [[UInt8]] = []
            for column in identity {
                guard let value = rows.value(row, column) else { return nil }
                key.append(Array(value))
            }
            return key
        }
        var open: [[[UInt8]]: Int] = [:]
        for (index, change) in log.enumerated() {
            let isUpdate = change.operation == .update
            let after = change.row.isNone ? nil : key(change.row)
            let before = change.before.isNone ? after : key(change.before)
            guard let after, let before else {
                // Of every row, or of one that can't be told.
                open.removeAll()
                continue
            }
            let known = open.removeValue(forKey: isUpdate ? before : after)
            guard change.operation != .delete else { continue }
            let line = (isUpdate ? known : nil) ?? lines.count
            if line == lines.count { lines.append(Line(values: Array(repeating: -1, count: columns.count))) }
            for (place, column) in columns.enumerated() {
                if rows.field(change.row, column).isUnchanged {
                    gaps.append(Gap(change: index, place: place, line: line, source: lines[line].values[place]))
                } else {
                    lines[line].values[place] = index
                }
            }
            lines[line].last = index
            open[after] = line
        }
        for (key, line) in open { lines[line].key = key }
    }

    /// What is to be asked for a gap; nil where the log has the value, or nobody.
    private func question(_ gap: Gap) -> LeftRow? {
        let line = lines[gap.line]
        guard gap.source < 0, line.values[gap.place] < 0, let key = line.key else { return nil }
        return LeftRow(key: key, transaction: log[line.last].transaction)
    }

    /// Changes from `start` on, so many that no more than `most` questions are to be asked for them.
    func slice(from start: Int, most: Int) -> (end: Int, questions: [LeftRow]) {
        var questions: [LeftRow] = []
        var known: Set<LeftRow> = []
        for gap in gaps[firstGap(of: start)...] {
            guard let question = question(gap), !known.contains(question) else { continue }
            if questions.count >= most, gap.change > start { return (gap.change, questions) }
            known.insert(question)
            questions.append(question)
        }
        return (log.count, questions)
    }

    private func firstGap(of change: Int) -> Int {
        var low = 0
        var high = gaps.count
        while low < high {
            let middle = (low + high) / 2
            if gaps[middle].change < change { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The changes of a slice, rows with filled gaps being in `filled`, the batch `number` of the pool. A value that several rows
    /// have is there once.
    func changes(
        _ slice: Range<Int>, _ questions: [LeftRow], _ answers: LeftRows?, rows: RowPool, filled: ChangeBatch,
        number: Int32
    ) -> ContiguousArray<LoggedChange> {
        var places: [LeftRow: Int] = [:]
        for (index, question) in questions.enumerated() where answers?.first[index] != nil { places[question] = index }
        var changes = ContiguousArray(log[slice])
        var written: [Origin: FieldSlice] = [:]
        var next = firstGap(of: slice.lowerBound)
        while next < gaps.count, gaps[next].change < slice.upperBound {
            let change = gaps[next].change
            var origins: [Int: Origin] = [:]
            while next < gaps.count, gaps[next].change == change {
                let gap = gaps[next]
                next += 1
                if gap.source >= 0 {
                    origins[columns[gap.place]] = .change(gap.source, place: gap.place)
                } else if let question = question(gap), let index = places[question] {
                    origins[columns[gap.place]] = .answer(index, place: gap.place)
                }
            }
            guard !origins.isEmpty else { continue }
            let start = filled.nextField
            for column in 0..<width {
                guard let origin = origins[column] else {
                    append(rows.field(log[change].row, column), rows.value(log[change].row, column), to: filled)
                    continue
                }
                if let field = written[origin] {
                    filled.appendShared(field)
                    continue
                }
                switch origin {
                case .change(let source, _):
                    append(rows.field(log[source].row, column), rows.value(log[source].row, column), to: filled)
                case .answer(let index, let place):
                    guard let answers, let first = answers.first[index] else {
                        filled.appendUnchanged()
                        continue
                    }
                    filled.appendField(answers.rows.fields[Int(first) + place], from: answers.rows)
                }
                written[origin] = filled.fields[filled.fields.count - 1]
            }
            changes[change - slice.lowerBound].row = RowReference(batch: number, firstField: start)
        }
        rows.refresh(number)
        return changes
    }

    private func append(_ field: FieldSlice, _ value: UnsafeBufferPointer<UInt8>?, to batch: ChangeBatch) {
        guard let value, let start = value.baseAddress, value.count > 0 else {
            return field.length < 0 ? batch.appendShared(field) : batch.appendEmpty()
        }
        batch.appendValue(start, count: value.count)
    }
}
