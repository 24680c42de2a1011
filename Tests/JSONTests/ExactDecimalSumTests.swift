import JSON
import Testing

@Suite("sums of exact decimals")
struct ExactDecimalSumTests {
    private func sum(_ left: String, _ right: String) throws -> String? {
        let (left, right) = (try #require(JSONNumber(left)), try #require(JSONNumber(right)))
        return left.decimal.adding(right.decimal)?.text()
    }

    @Test(
        "nothing is rounded",
        arguments: [
            ("0.1", "0.2", "0.3"), ("1", "-1", "0"), ("9007199254740993", "1", "9007199254740994"),
            ("99999999999999999999", "1", "100000000000000000000"), ("-0.5", "0.25", "-0.25"), ("5", "-7.5", "-2.5"),
            ("1e2", "1e-2", "100.01"), ("0.001", "0.009", "0.01"), ("1e30", "1", "1000000000000000000000000000001"),
            ("0", "-3e-5", "-0.00003"), ("1e300", "0", "1e300"),
        ])
    func exact(left: String, right: String, expected: String) throws {
        #expect(try sum(left, right) == expected)
        #expect(try sum(right, left) == expected)
    }

    @Test("a sum of more than ten thousand digits is refused")
    func tooLong() throws {
        #expect(try sum("1e20000", "1") == nil)
        #expect(try sum("1e20000", "1e20000") == "2e20000")
    }

    @Test("zeros after the point are written where they are asked for")
    func fractionDigits() throws {
        let value = try #require(JSONNumber("3.3")).decimal
        #expect(value.text(fractionDigits: 2) == "3.30")
        #expect(value.text() == "3.3")
    }
}
