extension UnicodeRanges {
    /// What a table says under one head.
    struct Entry {
        /// The names before the colon.
        let names: [Substring]
        /// In ascending order, apart from each other.
        var ranges: [ClosedRange<UInt32>]
    }

    /// All entries of a table, in its order.
    static func entries(in table: String) -> [Entry] {
        var entries: [Entry] = []
        for line in table.split(separator: "\n") {
            let parts = line.split(separator: ":")
            if parts.count == 2 { entries.append(Entry(names: parts[0].split(separator: " "), ranges: [])) }
            guard let last = parts.last, !entries.isEmpty else { continue }
            entries[entries.count - 1].ranges += last.split(separator: " ").compactMap(range)
        }
        return entries
    }

    /// The entry that a name, written exactly so, stands at the head of.
    static func entry(of name: String, in table: String) -> Entry? {
        entries(in: table).first { $0.names.contains { $0 == name } }
    }

    /// The ranges of a binary property; nil where the tables have none of that name.
    static func property(_ name: String) -> [ClosedRange<UInt32>]? { entry(of: name, in: properties)?.ranges }

    private static func range(_ text: Substring) -> ClosedRange<UInt32>? {
        let ends = text.split(separator: "-").compactMap { UInt32($0, radix: 16) }
        guard let first = ends.first, let last = ends.last, first <= last else { return nil }
        return first...last
    }
}
