import Connectors
import Postgres
import TestSupport
import Testing

@testable import MaterializePostgres
@testable import Runtime

/// Random histories of few, hot keys, folded as the link folds them and stored in every way, against a plain model.
@Suite("random histories")
struct HistoryTests {
    static let shape = TableShape.test([
        .test("id", "numeric", oid: 1700, key: true), .text("name"), .text("big"), .int("n"),
    ])

    /// What the source's table has, and with soft deletes what the destination keeps of rows that are gone.
    struct Model: Equatable {
        var rows: [String: [String?]] = [:]
        var gone: [String: [String?]] = [:]

        func lines(_ history: History) -> [String] {
            let alive = rows.map { ([$0.key] + $0.value.map { $0 ?? "~" } + ["alive"]).joined(separator: "|") }
            let flagged = gone.map { id, row in
                // Of twins that are both gone either one's image may be kept.
                history.hasTwins
                    ? (id.hasSuffix(".0") ? String(id.dropLast(2)) : id) + "|gone"
                    : ([id] + row.map { $0 ?? "~" } + ["gone"]).joined(separator: "|")
            }
            return (alive + (history.mode == .soft ? flagged : [])).sorted()
        }
    }

    struct History: CustomTestStringConvertible {
        var mode: DeleteMode
        var hasTwins: Bool

        var testDescription: String { "\(mode)\(hasTwins ? " with twins" : "")" }

        /// The destination's rows as `Model.lines` has them.
        var query: SQL {
            switch (mode, hasTwins) {
            case (.soft, true):
                """
                SELECT CASE "_meta/op" WHEN 'd' THEN trunc(id) || '|gone'
                       ELSE concat_ws('|', id, coalesce(name, '~'), coalesce(big, '~'), n, 'alive') END FROM public.orders
                """
            case (.soft, false):
                """
                SELECT id, name, big, n, CASE "_meta/op" WHEN 'd' THEN 'gone' ELSE 'alive' END FROM public.orders
                """
            default: "SELECT id, name, big, n, 'alive' FROM public.orders"
            }
        }
    }

    /// Makes changes as the log would show them, and follows them in the model.
    struct Source {
        var random: SplitMix
        var model = Model()
        let keys: Int
        let hasTwins: Bool
        private var version = 0

        init(seed: UInt64, keys: Int, hasTwins: Bool) {
            random = SplitMix(state: seed)
            self.keys = keys
            self.hasTwins = hasTwins
        }

        /// With twins a value has two spellings: keys of their own to the log, and the same to the destination.
        private mutating func key() -> String {
            "\(random.below(keys))" + (hasTwins && random.below(4) == 0 ? ".0" : "")
        }

        private func other(_ key: String) -> String { key.hasSuffix(".0") ? String(key.dropLast(2)) : key + ".0" }

        private mutating func value() -> String? {
            version += 1
            return random.below(10) == 0 ? nil : "v\(version)"
        }

        mutating func change(into buffer: inout LinkBuffer) {
            let id = key()
            let twin = other(id)
            if let row = model.rows[id] {
                switch random.below(10) {
                case 0..<2: delete(id, &buffer)
                case 2..<5:
                    let target = hasTwins && random.below(3) == 0 ? twin : key()
                    guard model.rows[target] == nil, target == twin || model.rows[other(target)] == nil else { return }
                    update(id, to: target, row, &buffer)
                default: update(id, to: id, row, &buffer)
                }
            } else if model.rows[twin] == nil {
                insert(id, &buffer)
            }
        }

        private mutating func insert(_ id: String, _ buffer: inout LinkBuffer) {
            let row = [value(), value(), "\(random.below(1000))"]
            let batch = ChangeBatch(byteCapacity: 64)
            let first = Source.append([id] + row, to: batch)
            buffer.insert(RowReference(batch: buffer.adopt(batch), firstField: first), binding: 0)
            arrive(id, row)
        }

        private mutating func delete(_ id: String, _ buffer: inout LinkBuffer) {
            let batch = ChangeBatch(byteCapacity: 64)
            let first = Source.append([id, nil, nil, nil], to: batch)
            buffer.delete(RowReference(batch: buffer.adopt(batch), firstField: first), binding: 0)
            leave(id)
        }

        private mutating func update(_ id: String, to target: String, _ row: [String?], _ buffer: inout LinkBuffer) {
            var new = row
            let batch = ChangeBatch(byteCapacity: 64)
            let old = id == target ? -1 : Source.append([id, nil, nil, nil], to: batch)
            var left: Set<Int> = []
            for column in 0..<2 {
                if random.below(2) == 0, row[column] != nil { left.insert(column) } else { new[column] = value() }
            }
            new[2] = "\(random.below(1000))"
            let first = Source.append([target] + new, to: batch, leaving: left)
            let number = buffer.adopt(batch)
            buffer.update(
                RowReference(batch: number, firstField: first),
                old: old < 0 ? .none : RowReference(batch: number, firstField: old), hasUnchanged: !left.isEmpty,
                binding: 0)
            if id != target { leave(id) }
            arrive(target, new)
        }

        private mutating func arrive(_ id: String, _ row: [String?]) {
            model.rows[id] = row
            model.gone[id] = nil
            model.gone[other(id)] = nil
        }

        private mutating func leave(_ id: String) {
            model.gone[id] = model.rows.removeValue(forKey: id)
        }

        private static func append(_ values: [String?], to batch: ChangeBatch, leaving left: Set<Int> = []) -> Int32 {
            let first = batch.nextField
            for (index, value) in values.enumerated() {
                guard !left.contains(index - 1) else {
                    batch.appendUnchanged()
                    continue
                }
                guard var text = value else {
                    batch.appendNull()
                    continue
                }
                text.withUTF8 { if let start = $0.baseAddress { batch.appendValue(start, count: $0.count) } }
            }
            return first
        }
    }

    @Test(
        "the destination is what the model is after every commit, however the sets are cut",
        arguments: Way.allCases,
        [
            History(mode: .hard, hasTwins: true), History(mode: .soft, hasTwins: false),
            History(mode: .soft, hasTwins: true),
        ])
    func history(_ way: Way, _ history: History) throws {
        let destination = try Destination()
        let shape = HistoryTests.shape
        let link = try TestLink(
            destination, shape, avoidsMerge: way == .withoutMerge, willBackfill: way == .withoutKey
        ) { $0.deletes = history.mode }
        if way == .withoutKey { try link.chunk([], shape: shape) }
        for seed in 1...3 as ClosedRange<UInt64> {
            try destination.eye.execute("TRUNCATE public.orders")
            var source = Source(seed: seed, keys: way == .each ? 12 : 150, hasTwins: history.hasTwins)
            var committed = source.model
            var buffer = try LinkBuffer(bindings: link.spec.bindings, shapes: [shape])
            for _ in 0..<25 {
                let sets = 1 + source.random.below(way == .each ? 30 : 3)
                for _ in 0..<sets {
                    let count = way == .each ? 1 + source.random.below(30) : 20 + source.random.below(300)
                    for _ in 0..<count { source.change(into: &buffer) }
                    try link.transactor.store(buffer.stored, rows: buffer.pool)
                    buffer.clear()
                    if source.random.below(2) == 0 { try link.transactor.flush() }
                }
                if source.random.below(6) == 0 {
                    link.transactor.rollback()
                    source.model = committed
                    continue
                }
                try link.commit()
                committed = source.model
                let rows = try destination.rows(history.query).sorted()
                try #require(rows == committed.lines(history), "seed \(seed)")
            }
        }
    }
}
