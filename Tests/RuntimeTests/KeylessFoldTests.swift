import Connectors
import TestSupport
import Testing

@testable import Runtime

/// The fold against a model: two bags of rows, those that are there and those that soft deletes keep.
@Suite("folding changes without a key")
struct KeylessFoldTests {
    private typealias Bag = [String: Int]

    @Test(
        "what a fold comes to gives what every change in order gives, with each way of deleting",
        arguments: [DeleteMode.hard, .soft, .ignore])
    func histories(mode: DeleteMode) {
        for seed in 0..<200 { history(mode, seed: UInt64(seed)) }
    }

    private func history(_ mode: DeleteMode, seed: UInt64) {
        var random = SplitMix(state: seed)
        let batch = ChangeBatch()
        let pool = RowPool()
        let number = pool.add(batch)
        func row(_ content: String) -> RowReference {
            let first = batch.nextField
            batch.appendText(content)
            if content == "b" { batch.appendNull() } else { batch.appendEmpty() }
            pool.refresh(number)
            return RowReference(batch: number, firstField: first)
        }
        var source: Bag = ["a": 2, "b": 1]
        var (live, dead): (Bag, Bag) = (source, [:])
        let (before, contents) = (live, ["a", "b", "c", ""])
        var fold = KeylessFold(columnCount: 2, deletes: mode, pool: pool)
        for _ in 0..<random.below(30) {
            let there = contents.filter { source[$0, default: 0] > 0 }
            let (from, to) = (there.isEmpty ? nil : there[random.below(there.count)], contents[random.below(4)])
            switch random.below(3) {
            case 0:
                fold.add(row(to), operation: .create)
                source[to, default: 0] += 1
                live[to, default: 0] += 1
            case 1:
                guard let from else { continue }
                fold.remove(row(from))
                fold.add(row(to), operation: .update)
                source[from, default: 0] -= 1
                live[from, default: 0] -= 1
                source[to, default: 0] += 1
                live[to, default: 0] += 1
            default:
                guard let from else { continue }
                fold.delete(row(from))
                source[from, default: 0] -= 1
                if mode != .ignore { live[from, default: 0] -= 1 }
                if mode == .soft { dead[from, default: 0] += 1 }
            }
        }
        var (stored, kept): (Bag, Bag) = (before, [:])
        for change in fold.changes {
            let content = pool.value(change.row, 0).map { String(decoding: $0, as: UTF8.self) } ?? "?"
            if change.operation != .delete {
                stored[content, default: 0] += 1
                continue
            }
            if !change.isNew {
                stored[content, default: 0] -= 1
                #expect(stored[content, default: 0] >= 0, "a row goes that is not there")
            }
            if !change.image.isNone { kept[content, default: 0] += 1 }
        }
        #expect(stored.filter { $0.value != 0 } == live.filter { $0.value != 0 }, "seed \(seed)")
        #expect(kept == dead, "seed \(seed)")
    }
}
