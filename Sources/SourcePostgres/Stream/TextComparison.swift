/// Which columns' values have other texts than at an earlier look, though nobody changed them: what is kept of them as text, at a
/// destination or in the log, does not say any more what they are.
struct TextComparison {
    /// Columns that got other types, by number; not those whose old values are written as before.
    let reworded: [Int]
    /// Columns of a type that is made of other labels or attributes. A label that was only added says nothing of old values.
    let redefined: [Int]
    /// Whether a label has a name now that another one had.
    let isExchanged: Bool

    init(old: StorageRecord, now: StorageRecord) {
        reworded = now.columns.keys.sorted().filter { number in
            guard let before = old.columns[number], let column = now.columns[number] else { return false }
            return before.type != column.type && TypeWidening(before.type, column.type)?.keepsText != true
        }
        var redefined: [Int] = []
        var isExchanged = false
        if let before = old.types, let after = now.types {
            for number in Set(before.keys).union(after.keys).sorted()
            where old.columns[number].map({ $0.type == now.columns[number]?.type }) ?? false {
                let was = before[number] ?? [:]
                let entries = after[number] ?? [:]
                let changed = was.filter { entries[$0.key] != $0.value }
                let isWider = entries.keys.contains { $0.first == "a" && was[$0] == nil }
                guard !changed.isEmpty || isWider else { continue }
                redefined.append(number)
                isExchanged = isExchanged || TextComparison.isExchanged(was, entries)
            }
        }
        self.redefined = redefined
        self.isExchanged = isExchanged
    }

    private static func isExchanged(_ was: [String: String], _ entries: [String: String]) -> Bool {
        let labels = Set(was.filter { $0.key.first == "e" }.values)
        return entries.contains { place, name in place.first == "e" && was[place] != name && labels.contains(name) }
    }
}
