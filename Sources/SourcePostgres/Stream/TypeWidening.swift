/// A column's change from one type to another, each as the catalog's numbers.
struct TypeWidening {
    private struct Form: Equatable {
        var type: UInt32
        /// -1: without a limit.
        var modifier: Int32
    }

    private let before: Form
    private let now: Form

    /// From `StorageRecord.Column.type`; nil for what isn't one.
    init?(_ before: String, _ now: String) {
        guard let before = TypeWidening.form(before), let now = TypeWidening.form(now) else { return nil }
        self.before = before
        self.now = now
    }

    private static func form(_ text: String) -> Form? {
        let words = text.split(separator: ".")
        guard words.count == 3, let type = UInt32(words[0]), let modifier = Int32(words[1]) else { return nil }
        return Form(type: type, modifier: modifier)
    }

    /// Whether every server that is supported makes it in the catalog alone. False where that isn't known.
    var isFree: Bool {
        let texts: Set<UInt32> = [BuiltIn.text, BuiltIn.varchar]
        if texts.contains(before.type), texts.contains(now.type) {
            return now.modifier == -1 || before.type == BuiltIn.varchar && isLonger
        }
        guard before.type == now.type else { return false }
        switch now.type {
        case BuiltIn.numeric:
            return now.modifier == -1
                || before.modifier >= 4 && now.modifier >= 4 && scale(before) == scale(now)
                    && precision(before) <= precision(now)
        case BuiltIn.time, BuiltIn.timestamp, BuiltIn.timestamptz, BuiltIn.varbit:
            return now.modifier == -1 || isLonger
        default:
            return before == now
        }
    }

    /// Whether a value is written by the new type as it was by the old one. False where that isn't known.
    var keepsText: Bool {
        guard let digits = BuiltIn.integers[before.type] else { return isFree }
        return now.type == BuiltIn.numeric && now.modifier == -1
            || BuiltIn.integers[now.type].map { digits <= $0 } ?? isFree
    }

    private var isLonger: Bool { before.modifier >= 0 && before.modifier <= now.modifier }

    /// A numeric's modifier is 4 more than its precision and scale, in 16 and 11 bits.
    private func precision(_ form: Form) -> Int32 { (form.modifier - 4) >> 16 & 0xFFFF }
    private func scale(_ form: Form) -> Int32 { (form.modifier - 4) & 0x7FF }

    private enum BuiltIn {
        /// Their sizes in bytes.
        static let integers: [UInt32: Int] = [21: 2, 23: 4, 20: 8]
        static let text: UInt32 = 25
        static let varchar: UInt32 = 1043
        static let time: UInt32 = 1083
        static let timestamp: UInt32 = 1114
        static let timestamptz: UInt32 = 1184
        static let varbit: UInt32 = 1562
        static let numeric: UInt32 = 1700
    }
}
