import Testing

@testable import flowctl

@Suite("the forms of the demo's figures")
struct DemoScreenTests {
    @Test(
        "numbers are grouped by thousands",
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (.min, "-9,223,372,036,854,775,808"),
        ])
    func grouped(number: Int, text: String) {
        #expect(DemoScreen.grouped(number) == text)
    }

    @Test(
        "seconds have one digit after the point and line up",
        arguments: [(0.04, "   0.0 s"), (9.96, "  10.0 s"), (123.4, " 123.4 s")])
    func seconds(value: Double, text: String) {
        #expect(DemoScreen.seconds(value) == text)
    }
}
