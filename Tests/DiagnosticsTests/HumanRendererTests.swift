import Diagnostics
import Testing

@Suite struct HumanRendererTests {
    /// A file whose line 21 names a collection that is not there.
    private let catalog = SourceFile(
        path: "catalogs/shop.yaml", text: String(repeating: "#\n", count: 20) + "        target: shop/ordrs\n")
    private let collections = SourceFile(
        path: "catalogs/collections.yaml", text: "a:\nb:\nc:\n  shop/orders:\n")

    private var undefined: Diagnostic {
        .error(
            .undefined, "collection 'shop/ordrs', written by capture 'shop/source', is not defined",
            at: catalog.range(56, 66), pointer: "/captures/shop~1source/bindings/0/target",
            notes: [.init("'shop/orders' is defined", at: collections.range(11, 22))],
            hint: "did you mean 'shop/orders'?")
    }

    @Test("a diagnostic has the form that the catalog's specification shows")
    func form() {
        #expect(
            HumanRenderer().render(undefined) == """
                error[FC0402]: collection 'shop/ordrs', written by capture 'shop/source', is not defined
                  --> catalogs/shop.yaml:21:17
                   |
                21 |         target: shop/ordrs
                   |                 ^^^^^^^^^^
                note: 'shop/orders' is defined at catalogs/collections.yaml:4:3
                hint: did you mean 'shop/orders'?

                """)
    }

    @Test("colour adds escapes and nothing else")
    func colour() {
        let painted = HumanRenderer(colour: true).render(undefined)
        #expect(painted.contains("\u{1B}[1;31merror[FC0402]\u{1B}[0m"))
        let plain = painted.replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
        #expect(plain == HumanRenderer().render(undefined))
    }

    @Test("colour is for terminals, and NO_COLOR turns it off")
    func colourChoice() {
        #expect(HumanRenderer.usesColour(isTerminal: true, noColor: nil))
        #expect(HumanRenderer.usesColour(isTerminal: true, noColor: ""))
        #expect(!HumanRenderer.usesColour(isTerminal: true, noColor: "1"))
        #expect(!HumanRenderer.usesColour(isTerminal: false, noColor: nil))
    }

    @Test("the offending text of a secret is not shown, its place is")
    func secret() {
        let file = SourceFile(path: "a.yaml", text: "x: hunter2\n")
        let text = HumanRenderer().render(.error(.other, "too short", at: file.range(3, 10), isSecret: true))
        #expect(text == "error[FC0007]: too short\n --> a.yaml:1:4\n")
    }

    @Test("a named secret is masked in the snippet of another fault on its line")
    func maskedRange() {
        let file = SourceFile(path: "a.yaml", text: "{ size: big, key: hunter2 }\n")
        let text = HumanRenderer(secrets: [file.range(18, 25)]).render(.error(.other, "no", at: file.range(8, 11)))
        #expect(text.contains("1 | { size: big, key: ••••••• }\n  |         ^^^\n"))
    }

    @Test(
        "what follows a key that sounds secret, or stands in a URL, is masked even where nothing named it",
        arguments: [
            "password: \"hunter2", "{ Password : hunter2 , port: a }", "privateKey: hunter2", "\"token\": \"hunter2\"",
            "url: postgres://me:hunter2@host/db", "DB_PASSWORD=hunter2", "url: postgres://me:hu/hunter2@host/db",
            "pasword: hunter2", "private-key: hunter2", "pssword: a, hunter2", "{password: 'a, hunter2', x: 1}",
            "{password: {env: hunter2}, x: 1}", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDhunter2",
        ])
    func maskedByName(line: String) {
        let file = SourceFile(path: "a.yaml", text: line)
        let text = HumanRenderer().render(.error(.other, "no", at: file.range(0, 3)))
        #expect(!text.contains("hunter2"))
        #expect(text.contains("•••••••"))
    }

    @Test("the rest of a flow mapping stays readable beside a secret")
    func flowAroundSecret() {
        let file = SourceFile(path: "a.yaml", text: "{ password: hunter2, port: abc }")
        let text = HumanRenderer().render(.error(.other, "no", at: file.range(27, 30)))
        #expect(text.contains("1 | { password: •••••••, port: abc }\n  |                            ^^^\n"))
    }

    @Test("carets stand below wide characters and tabs")
    func columns() {
        let file = SourceFile(path: "a", text: "\t漢字: ba d\n")
        let text = HumanRenderer().render(.error(.other, "no", at: file.range(9, 11)))
        #expect(text.contains("1 | \t漢字: ba d\n  | \t      ^^\n"))
    }

    @Test("a long line is cut around the offending text")
    func longLine() {
        let file = SourceFile(
            path: "a", text: String(repeating: "a ", count: 50_000) + "BAD" + String(repeating: " z", count: 50_000))
        let lines = HumanRenderer().render(.error(.other, "no", at: file.range(100_000, 100_003))).split(
            separator: "\n")
        #expect(lines[3].contains("BAD") && lines[3].count < 180)
        let caret = lines[4].firstIndex(of: "^").map { lines[4].distance(from: lines[4].startIndex, to: $0) }
        let bad = lines[3].firstIndex(of: "B").map { lines[3].distance(from: lines[3].startIndex, to: $0) }
        #expect(caret == bad)
    }

    @Test("control characters of the input can't steer the terminal")
    func controlCharacters() {
        let file = SourceFile(path: "a\u{1B}b", text: "x: \u{1B}[31m\u{202E}\n")
        let text = HumanRenderer().render(.error(.other, "found '\u{1B}]0;'", at: file.range(3, 8)))
        #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
        #expect(text.contains("found '\\u{1b}]0;'"))
    }

    @Test("a fault at the end of the file points behind the last character")
    func endOfFile() {
        let file = SourceFile(path: "a", text: "x: [")
        #expect(HumanRenderer().render(.error(.other, "no", at: file.range(4, 4))).contains("1 | x: [\n  |     ^\n"))
    }

    @Test("a fault over several lines shows its first line")
    func manyLines() {
        let file = SourceFile(path: "a", text: "x:\n  - 1\n  - 2\ny:\n")
        #expect(HumanRenderer().render(.error(.other, "no", at: file.range(5, 14))).contains("2 |   - 1\n  |   ^^^\n"))
    }

    @Test("the counts end the output")
    func summary() {
        var collector = DiagnosticCollector()
        collector.report(undefined)
        collector.report(.warning(.other, "w"))
        #expect(collector.render(.human, files: 1).hasSuffix("\n1 error, 1 warning\n"))
    }
}
