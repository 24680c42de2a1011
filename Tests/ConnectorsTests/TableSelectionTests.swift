import Connectors
import Testing

@Suite("which tables are wanted")
struct TableSelectionTests {
    @Test(
        "a pattern matches whole names, with a dot those with their schema",
        arguments: [
            ("order*", "sales", "orders", true), ("order*", "sales", "reorders", false), ("*", "a", "b", true),
            ("sales.*", "sales", "x", true), ("sales.*", "sales2", "x", false), ("?rders", "s", "orders", true),
            ("orders?", "s", "orders", false), ("*a*b*", "s", "xaxxbx", true), ("*a*b", "s", "abab", true),
            ("\\*", "s", "*", true), ("\\*", "s", "x", false), ("Orders", "s", "orders", false),
        ])
    func patterns(text: String, schema: String, table: String, isMatch: Bool) throws {
        #expect(try #require(TablePattern(text)).matches(schema: schema, table: table) == isMatch)
    }

    @Test("an empty pattern and a lone backslash at the end are none")
    func faultyPatterns() {
        #expect(TablePattern("") == nil)
        #expect(TablePattern("a\\") == nil)
    }

    @Test("everything that is given must hold, and what matches nothing is named")
    func together() throws {
        let selection = TableSelection(
            schemas: ["sales", "none"],
            patterns: [try #require(TablePattern("o*")), try #require(TablePattern("zz*"))],
            list: [.init(schema: "sales", table: "orders"), .init(schema: "sales", table: "missing")])
        #expect(selection.wants(schema: "sales", table: "orders"))
        #expect(!selection.wants(schema: "sales", table: "offers"))
        #expect(!selection.wants(schema: "public", table: "orders"))
        #expect(
            selection.unmatched(among: [("sales", "orders")]) == [
                "schema none", "pattern zz*", "list row sales.missing",
            ])
    }
}
