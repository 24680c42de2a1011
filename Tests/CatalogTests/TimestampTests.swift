import Catalog
import Testing

@Suite("moments of a catalog")
struct TimestampTests {
    @Test(
        "as microseconds since 2000, what lies between two of them by the side of the window",
        arguments: [
            ("2000-01-01T00:00:00Z", 0, 0), ("1999-12-31T23:59:59.999999Z", -1, -1),
            ("2000-01-01T02:00:00.5+02:00", 500_000, 500_000), ("2000-01-01T00:00:00.0000015Z", 1, 2),
            ("1999-12-31T23:59:59.9999999Z", -1, 0),
            ("2026-11-21t18:00:00.25-01:30", 848_604_600_250_000, 848_604_600_250_000),
        ] as [(String, Int64, Int64)])
    func microseconds(text: String, last: Int64, first: Int64) throws {
        let moment = try #require(Timestamp(text))
        #expect(moment.microseconds(roundedUp: false) == last)
        #expect(moment.microseconds(roundedUp: true) == first)
    }
}
