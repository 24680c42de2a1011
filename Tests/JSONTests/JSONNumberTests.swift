import JSON
import Testing

@Suite struct JSONNumberTests {
    private func number(_ text: String) throws -> JSONNumber { try #require(JSONNumber(text)) }

    @Test(
        "numbers are equal when their exact values are",
        arguments: [
            ("1", "1.0"), ("100", "1e2"), ("-0", "0"), ("0.0e9", "0"), ("1.20", "12e-1"),
            ("123456789012345678901234567890", "123456789012345678901234567890.0"), ("1e400", "10e399"),
        ])
    func equal(left: String, right: String) throws {
        #expect(try number(left) == number(right))
        #expect(try number(left).hashValue == number(right).hashValue)
    }

    @Test(
        "numbers that a double can't tell apart differ",
        arguments: [
            ("9007199254740992", "9007199254740993"), ("0.1", "0.10000000000000000001"), ("1e400", "1e401"),
            ("-1e999999999999999999999", "1e999999999999999999999"), ("123456789012345678", "1234567890123456789"),
            ("-2", "-1"), ("-1", "0"), ("0", "1e-400"), ("-1e-400", "0"), ("9", "10"), ("0.9", "1"),
        ])
    func less(left: String, right: String) throws {
        #expect(try number(left) < number(right))
        #expect(try !(number(right) < number(left)))
        #expect(try number(left) != number(right))
    }

    @Test(
        "a number without a fraction is an integer",
        arguments: [("1.0", 1), ("1e3", 1000), ("-9223372036854775808", Int.min), ("9223372036854775807", Int.max)])
    func integers(text: String, value: Int) throws {
        #expect(try number(text).isInteger)
        #expect(try number(text).int == value)
    }

    @Test(
        "an integer that fits no Int has none",
        arguments: ["9223372036854775808", "-9223372036854775809", "1e19", "1e1000000000"])
    func tooLarge(text: String) throws {
        #expect(try number(text).isInteger)
        #expect(try number(text).int == nil)
    }

    @Test("a fraction is no integer", arguments: ["0.5", "1e-1", "123456789012345678901.5"])
    func fractions(text: String) throws {
        #expect(try !number(text).isInteger)
        #expect(try number(text).int == nil)
    }

    @Test(
        "multiples are exact",
        arguments: [
            ("0.0075", "0.0001", true), ("0.00751", "0.0001", false), ("4.5", "1.5", true), ("35", "1.5", false),
            ("1e308", "0.5", true), ("12391239123", "1e-8", true), ("0", "3", true), ("1e1000000000", "3", false),
            ("3e1000000000", "3", true), ("7", "0", false), ("1e100", "1125899906842624", true),
            ("123456789012345678901234567890", "123456789012345678901234567890", true),
            ("246913578024691357802469135781", "123456789012345678901234567890", false),
            ("15241578753238836750495351562536198787501905199875019052100", "123456789012345678901234567890", true),
            ("5", "10", false), ("1.1", "0.1", true), ("-9", "3", true),
        ])
    func multiples(value: String, divisor: String, expected: Bool) throws {
        #expect(try number(value).isMultiple(of: number(divisor)) == expected)
    }

    @Test(
        "text outside JSON's grammar is no number",
        arguments: ["", "+1", "01", "1.", ".5", "1e", "0x10", "NaN", "1 ", "1_000"])
    func grammar(text: String) {
        #expect(JSONNumber(text) == nil)
    }
}
