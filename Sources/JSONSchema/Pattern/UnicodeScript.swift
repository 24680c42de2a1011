/// A script (Unicode Standard Annex 24) that `\p{Script=…}` names by its name or its code of four letters.
struct UnicodeScript {
    private let code: Substring
    private let ranges: [ClosedRange<UInt32>]

    /// The script of a name; nil where none has it.
    init?(_ name: String) {
        let other = ["Qaac": "Copt", "Qaai": "Zinh"]
        guard let entry = UnicodeRanges.entry(of: other[name] ?? name, in: UnicodeRanges.scripts) else { return nil }
        code = entry.names[0]
        ranges = entry.ranges
    }

    /// Scalars whose script this is.
    var property: UnicodeProperty { UnicodeProperty(ranges) }

    /// Scalars that this script uses: those of its own that no list of several scripts names, and those whose list
    /// names it.
    var withExtensions: UnicodeProperty {
        var with: [ClosedRange<UInt32>] = []
        var without: [ClosedRange<UInt32>] = []
        for entry in UnicodeRanges.entries(in: UnicodeRanges.extensions) {
            if entry.names.contains(code) { with += entry.ranges } else { without += entry.ranges }
        }
        let own = property
        let extended = UnicodeProperty(with.sorted { $0.lowerBound < $1.lowerBound })
        let others = UnicodeProperty(without.sorted { $0.lowerBound < $1.lowerBound })
        return UnicodeProperty { extended.holds($0) || own.holds($0) && !others.holds($0) }
    }
}
