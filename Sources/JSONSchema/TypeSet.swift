import JSON

/// A set of JSON Schema's types.
public struct TypeSet: OptionSet, Sendable, Hashable {
    /// One bit a type; a number has two, of which an integer sets both.
    public let rawValue: UInt8

    /// A set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `null`.
    public static let null = TypeSet(rawValue: 1)
    /// `boolean`.
    public static let boolean = TypeSet(rawValue: 2)
    /// A number without a fraction.
    public static let integer = TypeSet(rawValue: 4)
    /// A number with a fraction.
    public static let fraction = TypeSet(rawValue: 8)
    /// `number`: with or without a fraction.
    public static let number: TypeSet = [.integer, .fraction]
    /// `string`.
    public static let string = TypeSet(rawValue: 16)
    /// `array`.
    public static let array = TypeSet(rawValue: 32)
    /// `object`.
    public static let object = TypeSet(rawValue: 64)
    /// Every type.
    public static let all: TypeSet = [.null, .boolean, .number, .string, .array, .object]

    /// The type of a name in a schema; nil for another name.
    public init?(named name: String) {
        switch name {
        case "null": self = .null
        case "boolean": self = .boolean
        case "integer": self = .integer
        case "number": self = .number
        case "string": self = .string
        case "array": self = .array
        case "object": self = .object
        default: return nil
        }
    }

    /// The type of a value.
    public init(of value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool: self = .boolean
        case .number(let number): self = number.isInteger ? .integer : .fraction
        case .string: self = .string
        case .array: self = .array
        case .object: self = .object
        }
    }

    /// The names in a schema's order of writing, `number` for both kinds of numbers.
    public var names: [String] {
        var names: [String] = []
        if contains(.object) { names.append("object") }
        if contains(.array) { names.append("array") }
        if contains(.string) { names.append("string") }
        if contains(.number) {
            names.append("number")
        } else if contains(.integer) {
            names.append("integer")
        }
        if contains(.boolean) { names.append("boolean") }
        if contains(.null) { names.append("null") }
        return names
    }
}
