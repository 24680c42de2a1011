import JSON

/// Exact sums of numbers, and of decimal numbers written as strings.
enum NumberSum {
    /// The sum: a string where one of the two is, with as many digits after the point as either has.
    static func sum(
        _ left: JSONValue, _ right: JSONValue, at location: JSONPointer
    ) throws(Reducer.Failure) -> JSONValue {
        guard let first = operand(left), let second = operand(right) else {
            throw Reducer.Failure(
                location: location,
                message: "'sum' takes numbers, or strings of decimal digits, not \(left.typeName) and \(right.typeName)"
            )
        }
        guard let sum = first.value.adding(second.value) else {
            throw Reducer.Failure(location: location, message: "the sum has too many digits")
        }
        if first.isText || second.isText {
            return .string(sum.text(fractionDigits: max(first.fractionDigits, second.fractionDigits)))
        }
        guard let number = JSONNumber(sum.text()) else {
            throw Reducer.Failure(location: location, message: "the sum is no number")
        }
        return .number(number)
    }

    private struct Operand {
        let value: ExactDecimal
        let fractionDigits: Int
        let isText: Bool
    }

    private static func operand(_ value: JSONValue) -> Operand? {
        switch value {
        case .number(let number):
            return Operand(value: number.decimal, fractionDigits: 0, isText: false)
        case .string(let text):
            guard let number = number(text) else { return nil }
            let digits = number.text.split(separator: ".", maxSplits: 1)
            let isPlain = !number.text.utf8.contains { $0 | 0x20 == UInt8(ascii: "e") }
            let count = digits.count == 2 && isPlain ? digits[1].utf8.count : 0
            return Operand(value: number.decimal, fractionDigits: count, isText: true)
        default: return nil
        }
    }

    /// The number of a text that may have a plus sign, zeros before it, or no digit on one side of its point.
    private static func number(_ text: String) -> JSONNumber? {
        var rest = Array(text.utf8)[...]
        var result = ""
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            if sign == UInt8(ascii: "-") { result = "-" }
            rest = rest.dropFirst()
        }
        let whole = rest.prefix { (48...57).contains($0) }
        rest = rest.dropFirst(whole.count)
        let digits = whole.drop { $0 == UInt8(ascii: "0") }
        result += digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { (48...57).contains($0) }
            rest = rest.dropFirst(1 + fraction.count)
            if whole.isEmpty, fraction.isEmpty { return nil }
            if !fraction.isEmpty { result += "." + String(decoding: fraction, as: UTF8.self) }
        } else if whole.isEmpty {
            return nil
        }
        return JSONNumber(result + String(decoding: rest, as: UTF8.self))
    }
}
