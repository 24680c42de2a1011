/// The SQL condition of a signal as text: it goes between parentheses of a larger statement, and must not leave them.
///
/// Whoever may insert into the signal table says which rows are read, and nothing more: a text that closes a parenthesis which
/// it did not open, or ends the statement, could say everything. The server reads the text with the default
/// `standard_conforming_strings`.
enum ConditionText {
    /// What is wrong with a text, in a sentence; nil for one that stays where it is put.
    static func problem(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        if bytes.contains(0) { return "a condition has a NUL character" }
        var scan = Scan(bytes: bytes)
        guard scan.run() else {
            return "a condition's quotes, comments or parentheses don't match, or it has a semicolon"
        }
        return nil
    }

    /// One pass over the bytes: what is quoted or a comment counts for nothing.
    private struct Scan {
        let bytes: [UInt8]
        var index = 0

        private func byte(_ offset: Int = 0) -> UInt8? {
            bytes.indices.contains(index + offset) ? bytes[index + offset] : nil
        }

        mutating func run() -> Bool {
            var depth = 0
            while let byte = byte() {
                switch byte {
                case UInt8(ascii: "("):
                    depth += 1
                case UInt8(ascii: ")"):
                    depth -= 1
                    if depth < 0 { return false }
                case UInt8(ascii: ";"):
                    return false
                case UInt8(ascii: "'"):
                    guard skipQuoted(by: byte, hasEscapes: isEscapeString) else { return false }
                    continue
                case UInt8(ascii: "\""):
                    guard skipQuoted(by: byte, hasEscapes: false) else { return false }
                    continue
                case UInt8(ascii: "-") where self.byte(1) == UInt8(ascii: "-"):
                    while let next = self.byte(), next != UInt8(ascii: "\n"), next != UInt8(ascii: "\r") { index += 1 }
                    continue
                case UInt8(ascii: "/") where self.byte(1) == UInt8(ascii: "*"):
                    guard skipComment() else { return false }
                    continue
                case UInt8(ascii: "$") where !isWord(self.byte(-1)):
                    if let tag = dollarTag() {
                        guard skip(to: tag) else { return false }
                        continue
                    }
                default: break
                }
                index += 1
            }
            return depth == 0
        }

        private func isWord(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }

        /// `E'…'`: a backslash takes the next character with it.
        private var isEscapeString: Bool {
            guard let before = byte(-1), before | 0x20 == UInt8(ascii: "e") else { return false }
            return !isWord(byte(-2))
        }

        private mutating func skipQuoted(by quote: UInt8, hasEscapes: Bool) -> Bool {
            index += 1
            while let next = byte() {
                if hasEscapes, next == UInt8(ascii: "\\") {
                    index += 2
                } else if next == quote {
                    index += 1
                    if byte() == quote {
                        index += 1
                    } else if hasEscapes, let next = continuation {
                        index = next
                    } else {
                        return true
                    }
                } else {
                    index += 1
                }
            }
            return false
        }

        /// Behind the quote with which a string goes on: after blanks and comments to the end of the line, of which one line at
        /// least ends (manual, "String Constants"). It is then of the same kind as its beginning.
        private var continuation: Int? {
            var place = index
            var hasNewline = false
            while bytes.indices.contains(place) {
                switch bytes[place] {
                case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                    hasNewline = true
                    place += 1
                case UInt8(ascii: " "), UInt8(ascii: "\t"), 0x0B, 0x0C:
                    place += 1
                case UInt8(ascii: "-") where bytes[place...].starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")]):
                    while bytes.indices.contains(place), bytes[place] != UInt8(ascii: "\n"),
                        bytes[place] != UInt8(ascii: "\r")
                    { place += 1 }
                case UInt8(ascii: "'"):
                    return hasNewline ? place + 1 : nil
                default:
                    return nil
                }
            }
            return nil
        }

        /// Comments nest.
        private mutating func skipComment() -> Bool {
            var depth = 0
            while byte() != nil {
                if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                    depth += 1
                    index += 2
                } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                    depth -= 1
                    index += 2
                    if depth == 0 { return true }
                } else {
                    index += 1
                }
            }
            return false
        }

        /// `$tag$` where one begins here.
        private func dollarTag() -> [UInt8]? {
            var end = index + 1
            while bytes.indices.contains(end), isWord(bytes[end]), bytes[end] != UInt8(ascii: "$") { end += 1 }
            guard bytes.indices.contains(end), bytes[end] == UInt8(ascii: "$") else { return nil }
            let tag = Array(bytes[index...end])
            guard tag.count == 2 || !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(tag[1]) else { return nil }
            return tag
        }

        private mutating func skip(to tag: [UInt8]) -> Bool {
            index += tag.count
            while index + tag.count <= bytes.count {
                if bytes[index..<index + tag.count].elementsEqual(tag) {
                    index += tag.count
                    return true
                }
                index += 1
            }
            return false
        }
    }
}
