import Diagnostics
import Testing

@Suite struct SuggestionTests {
    @Test(
        "the nearest name is the one with the fewest slips",
        arguments: [
            ("shop/ordrs", "shop/orders"), ("pasword", "password"), ("adress", "address"), ("Password", "password"),
            ("tabel", "table"), ("slotname", "slotName"),
        ])
    func near(typed: String, meant: String) {
        let known = ["user", "address", "password", "shop/orders", "shop/people", "table", "slotName"]
        #expect(Suggestion.nearest(to: typed, among: known) == meant)
        #expect(Suggestion.hint(for: typed, among: known) == "did you mean '\(meant)'?")
    }

    @Test(
        "nothing is suggested where nothing is near", arguments: ["", "zzz", "x", String(repeating: "p", count: 500)])
    func far(typed: String) {
        #expect(Suggestion.nearest(to: typed, among: ["password", "user"]) == nil)
    }
}
