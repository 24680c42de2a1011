/// Writes JSON values as text. The same value gives the same bytes; numbers and members stay as they were read.
public struct JSONWriter: Sendable {
    /// How the text is laid out.
    public enum Style: Sendable, Hashable {
        /// No white space at all.
        case compact
        /// One line, with a space after `,` and `:`.
        case spaced
        /// A line for each member and item, indented by two spaces a level; empty arrays and objects on one line.
        case pretty
    }

    private let style: Style
    private var bytes: [UInt8] = []

    private init(style: Style) {
        self.style = style
    }

    /// The text of a value, without a line break at its end.
    public static func write(_ value: JSONValue, _ style: Style = .compact) -> String {
        String(decoding: bytes(of: value, style), as: UTF8.self)
    }

    /// The text as UTF-8.
    public static func bytes(of value: JSONValue, _ style: Style = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.add(value, depth: 0)
        return writer.bytes
    }

    /// A string with its quotes and escapes, as it stands in JSON.
    public static func quoted(_ text: String) -> String {
        write(.string(text))
    }

    private mutating func add(_ value: JSONValue, depth: Int) {
        switch value {
        case .null: add("null")
        case .bool(let value): add(value ? "true" : "false")
        case .number(let number): add(number.text)
        case .string(let text): addString(text)
        case .array(let items):
            add("[")
            for (index, item) in items.enumerated() {
                separate(index, depth)
                add(item, depth: depth + 1)
            }
            if !items.isEmpty { breakLine(depth) }
            add("]")
        case .object(let object):
            add("{")
            for (index, member) in object.members.enumerated() {
                separate(index, depth)
                addString(member.key)
                add(style == .compact ? ":" : ": ")
                add(member.value, depth: depth + 1)
            }
            if !object.isEmpty { breakLine(depth) }
            add("}")
        }
    }

    private mutating func separate(_ index: Int, _ depth: Int) {
        if index > 0 { add(style == .spaced ? ", " : ",") }
        breakLine(depth + 1)
    }

    private mutating func breakLine(_ depth: Int) {
        guard style == .pretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }

    private mutating func add(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func addString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): add("\\\"")
            case UInt8(ascii: "\\"): add("\\\\")
            case 0x0A: add("\\n")
            case 0x0D: add("\\r")
            case 0x09: add("\\t")
            case 0x08: add("\\b")
            case 0x0C: add("\\f")
            case 0..<0x20, 0x7F:
                let hex = String(byte, radix: 16)
                add("\\u00" + (hex.count == 1 ? "0" : "") + hex)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension JSONValue: CustomStringConvertible {
    /// The compact text.
    public var description: String { JSONWriter.write(self) }
}
