/// Text that is not JSON.
public struct JSONSyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of rule the text breaks.
    public enum Kind: Sendable, Hashable {
        /// The text is not UTF-8.
        case encoding
        /// The text breaks the grammar.
        case grammar
        /// Arrays and objects are nested deeper than the caller allows.
        case depth
        /// There are more values than the caller allows.
        case size
    }

    /// The kind of rule.
    public let kind: Kind
    /// What is wrong, without a full stop.
    public let message: String
    /// The bytes before the fault.
    public let offset: Int
    /// The bytes that are at fault, from `offset`; at least 1 unless the text ends there.
    public let length: Int
    /// The fault's line, from 1.
    public let line: Int
    /// The fault's column, from 1, in Unicode scalars.
    public let column: Int

    /// An error at a byte of a text, whose line and column it counts.
    init(_ message: String, kind: Kind = .grammar, offset: Int, length: Int = 1, in bytes: [UInt8]) {
        let offset = min(max(offset, 0), bytes.count)
        self.kind = kind
        self.message = message
        self.offset = offset
        self.length = min(max(length, 0), bytes.count - offset)
        var line = 1
        var column = 1
        for index in 0..<offset {
            let byte = bytes[index]
            if byte == 0x0A || (byte == 0x0D && !(index + 1 < bytes.count && bytes[index + 1] == 0x0A)) {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.line = line
        self.column = column
    }

    /// `message at line L, column C`.
    public var description: String { "\(message) at line \(line), column \(column)" }
}
