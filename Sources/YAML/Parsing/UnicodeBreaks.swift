/// Keeps U+0085, U+2028 and U+2029 apart from line breaks, which they are for libyaml (YAML 1.1) and are not for YAML 1.2
/// (section 5.4): libyaml is given characters of the same length in their place, which stand nowhere else in the text.
struct UnicodeBreaks {
    /// A character of the text and what stands for it, in UTF-8.
    private struct Substitution {
        let character: [UInt8]
        let standIn: [UInt8]
    }

    private let substitutions: [Substitution]

    /// Looks the text through; nil for one that has none of the three.
    init?(_ bytes: ArraySlice<UInt8>) {
        let present = Self.present(in: bytes)
        guard !present.isEmpty else { return nil }
        var free = Self.candidates(in: bytes)
        substitutions = present.compactMap { character in
            let length = character.count
            guard let place = free.firstIndex(where: { $0.count == length }) else { return nil }
            return Substitution(character: character, standIn: free.remove(at: place))
        }
    }

    /// The text for libyaml.
    func hide(in bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result = Array(bytes)
        for substitution in substitutions { Self.replace(substitution.character, substitution.standIn, in: &result) }
        return result
    }

    /// A text of libyaml's as it was written.
    func restore(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        var result = Array(bytes)
        for substitution in substitutions { Self.replace(substitution.standIn, substitution.character, in: &result) }
        return String(decoding: result, as: UTF8.self)
    }

    private static func present(in bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        let all: [[UInt8]] = [[0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9]]
        var found: Set<Int> = []
        for index in bytes.indices where bytes[index] == 0xC2 || bytes[index] == 0xE2 {
            for (place, character) in all.enumerated() where bytes[index...].starts(with: character) {
                found.insert(place)
            }
        }
        return found.sorted().map { all[$0] }
    }

    /// Characters that the text neither has nor can make by an escape: three of two bytes and three of three, where there are.
    private static func candidates(in bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        var taken: Set<UInt32> = []
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { taken.insert(scalar.value) }
        let hasEscapes = bytes.contains(UInt8(ascii: "\\"))
        let escapes = hasEscapes ? escaped(in: bytes) : []
        var found: [[UInt8]] = []
        for range: ClosedRange<UInt32> in [0x100...0x7FF, 0xE000...0xF8FF] {
            let free = range.lazy.filter { !taken.contains($0) && !escapes.contains($0) }
            found += free.prefix(3).compactMap { Unicode.Scalar($0).map { Array(String($0).utf8) } }
        }
        return found
    }

    /// What four hexadecimal digits in a row spell, anywhere.
    private static func escaped(in bytes: ArraySlice<UInt8>) -> Set<UInt32> {
        var found: Set<UInt32> = []
        var value: UInt32 = 0
        var digits = 0
        for byte in bytes {
            guard let digit = Self.digit(byte) else {
                digits = 0
                continue
            }
            value = (value << 4 | UInt32(digit)) & 0xFFFF
            digits += 1
            if digits >= 4 { found.insert(value) }
        }
        return found
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
            (byte | 0x20) - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func replace(_ old: [UInt8], _ new: [UInt8], in bytes: inout [UInt8]) {
        var index = 0
        while index + old.count <= bytes.count {
            if bytes[index] == old[0], bytes[index..<index + old.count].elementsEqual(old) {
                for (place, byte) in new.enumerated() { bytes[index + place] = byte }
                index += old.count
            } else {
                index += 1
            }
        }
    }
}
