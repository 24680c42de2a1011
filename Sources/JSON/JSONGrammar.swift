/// The lexical rules of RFC 8259 that several types need.
enum JSONGrammar {
    /// An ASCII digit.
    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// Whether the whole text is a number (section 6).
    static func isNumber(_ text: String.UTF8View) -> Bool {
        let bytes = Array(text)
        return numberEnd(bytes[...]) == bytes.count && !bytes.isEmpty
    }

    /// Where the number that starts the slice ends; nil where none starts there.
    static func numberEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var at = bytes.startIndex
        func peek() -> UInt8 { at < bytes.endIndex ? bytes[at] : 0 }
        func skipDigits() -> Bool {
            let start = at
            while isDigit(peek()) { at += 1 }
            return at > start
        }
        if peek() == UInt8(ascii: "-") { at += 1 }
        if peek() == UInt8(ascii: "0") { at += 1 } else if !skipDigits() { return nil }
        if peek() == UInt8(ascii: ".") {
            at += 1
            guard skipDigits() else { return nil }
        }
        if peek() | 0x20 == UInt8(ascii: "e") {
            at += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { at += 1 }
            guard skipDigits() else { return nil }
        }
        return at
    }
}
