import Testing

@testable import SourcePostgres

@Suite("changes of a type that the server makes without writing rows")
struct TypeWideningTests {
    /// Modifiers: 4 more than a varchar's length; a numeric's precision in the upper 16 bits of what is left of it.
    @Test(
        "a limit that grows or goes needs no row to be written",
        arguments: [
            ("1043.24.100", "25.-1.100"), ("1043.24.100", "1043.34.100"), ("1043.24.100", "1043.-1.100"),
            ("25.-1.100", "1043.-1.100"), ("1700.655366.0", "1700.786438.0"), ("1700.655366.0", "1700.-1.0"),
            ("1184.3.0", "1184.6.0"), ("1114.0.0", "1114.-1.0"), ("25.-1.100", "25.-1.950"),
        ])
    func free(before: String, now: String) {
        #expect(TypeWidening(before, now)?.isFree == true)
    }

    @Test(
        "whatever else a type becomes may have rows written",
        arguments: [
            ("23.-1.0", "20.-1.0"), ("1043.24.100", "1043.14.100"), ("25.-1.100", "1043.24.100"),
            ("1700.655366.0", "1700.786439.0"), ("1700.-1.0", "1700.655366.0"), ("1184.6.0", "1184.3.0"),
            ("1114.-1.0", "1184.-1.0"), ("1042.14.100", "1042.24.100"), ("23.-1.0", "25.-1.100"),
        ])
    func written(before: String, now: String) {
        #expect(TypeWidening(before, now)?.isFree == false)
    }
}
