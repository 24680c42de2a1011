/// A statement. Interpolated identifiers and literals are quoted by construction; other text enters only by the label
/// `raw`.
public struct SQL: ExpressibleByStringInterpolation, Sendable, CustomStringConvertible {
    public let text: String

    public init(stringLiteral value: String) {
        text = value
    }

    public init(stringInterpolation: Interpolation) {
        text = stringInterpolation.text
    }

    public var description: String { text }

    /// A string literal (manual, "String Constants"): quotes doubled, and in the escape form where it has a backslash, so
    /// that it means the same whatever `standard_conforming_strings` says.
    public static func literal(_ value: String) -> String {
        var text = "'"
        var hasBackslash = false
        for scalar in value.unicodeScalars {
            if scalar == "'" || scalar == "\\" { text.unicodeScalars.append(scalar) }
            if scalar == "\\" { hasBackslash = true }
            text.unicodeScalars.append(scalar)
        }
        return (hasBackslash ? "E" : "") + text + "'"
    }

    public struct Interpolation: StringInterpolationProtocol {
        var text = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        public mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        public mutating func appendInterpolation(_ identifier: Identifier) {
            text += identifier.quoted
        }

        public mutating func appendInterpolation(_ name: QualifiedName) {
            text += name.quoted
        }

        public mutating func appendInterpolation(id name: String) {
            text += Identifier(name).quoted
        }

        public mutating func appendInterpolation(literal value: String) {
            text += SQL.literal(value)
        }

        public mutating func appendInterpolation(_ number: Int) {
            text += String(number)
        }

        public mutating func appendInterpolation(_ sql: SQL) {
            text += sql.text
        }

        /// Text that is SQL already.
        public mutating func appendInterpolation(raw sql: String) {
            text += sql
        }
    }
}
