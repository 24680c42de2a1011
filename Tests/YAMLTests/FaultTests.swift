import Diagnostics
import JSON
import Testing
import YAML

@Suite struct FaultTests {
    @Test("a duplicate key names both places and keeps the first value", arguments: ["a.yaml", "a.json"])
    func duplicateKey(path: String) throws {
        let parsed = Parsed("{\"a\": {\"b\": 1,\n \"c\": 2,\n \"b\": 3}}", path: path)
        #expect(parsed.faults == ["FC0105 3:2 the key 'b' is written twice in one mapping"])
        #expect(parsed.diagnostics.first?.notes.first?.range?.description == "\(path):1:8")
        #expect(parsed.diagnostics.first?.pointer == "/a/b")
        #expect(parsed.value == ["a": ["b": 1, "c": 2]])
        #expect(parsed.document.isComplete)
    }

    @Test("every duplicate among many keys is found")
    func manyDuplicates() {
        let keys = (0..<100).map { "k\($0 % 50): \($0)\n" }.joined()
        let parsed = Parsed(keys)
        #expect(parsed.diagnostics.count == 50)
        #expect(parsed.diagnostics.first?.pointer == "/k0")
        #expect(parsed.document.root?.childCount == 50)
    }

    @Test("two merge keys are told how to be one")
    func twoMerges() {
        let parsed = Parsed("a: &a {}\nb: &b {}\nc:\n  <<: *a\n  <<: *b\n")
        #expect(parsed.faults == ["FC0105 5:3 the key '<<' is written twice in one mapping"])
        #expect(parsed.diagnostics.first?.hint == "merge several mappings with one key: <<: [*a, *b]")
    }

    @Test("a collection as a key is a fault, the rest is kept")
    func collectionKey() {
        let parsed = Parsed("a: {{ x }}\nb: 1\n[c]: 2\n")
        #expect(parsed.faults == ["FC0107 1:5 a mapping can't be a key", "FC0107 3:1 a list can't be a key"])
        #expect(parsed.value == ["a": [:], "b": 1])
    }

    @Test("a second document is a fault, the first is kept", arguments: ["a: 1\n---\nb: 2\n", "---\na: 1\n...\n---\n"])
    func manyDocuments(text: String) {
        let parsed = Parsed(text)
        #expect(parsed.diagnostics.map(\.code) == [.manyDocuments])
        #expect(parsed.diagnostics.first?.range?.text == "---")
        #expect(parsed.value == ["a": 1])
    }

    @Test("a file without a value has no root and no fault", arguments: ["", "\n\n", "# only this\n", "\u{FEFF}"])
    func empty(text: String) {
        for path in ["a.yaml", "a.json"] where path == "a.yaml" || !text.hasPrefix("#") {
            let parsed = Parsed(text, path: path)
            #expect(parsed.document.root == nil && parsed.document.isComplete)
            #expect(parsed.faults.isEmpty)
        }
    }

    @Test(
        "broken grammar is told in plain words at its place",
        arguments: [
            ("a: b: c", "1:5 unexpected ':' here"),
            ("a:\n\t- b", "2:1 a tab can't be used for indentation"),
            ("a: @b", "1:4 a plain value can't start with '@'"),
            ("a: [1, 2", "1:9 expected ',' or ']' here"),
            ("a: {b: 1", "1:9 expected ',' or '}' here"),
            ("a: \"b", "1:6 the text ends inside a quoted value"),
            ("a: \"\\q\"", "1:5 unknown escape in a double-quoted value"),
            ("a:\n  b: 1\n c: 2", "3:2 expected a key here"),
            ("a: 1\nb\nc: 2", "3:1 expected ':' after the key"),
            ("a: \"x\" y", "1:8 expected a key here"),
            ("a: - b", "1:4 a list can't start here"),
            ("é: [漢, b: c: d]", "1:12 expected ',' or ']' here"),
            ("a: |\n  \tb", "2:3 a tab can't be the first thing in a text block"),
            ("a: *", "1:5 a name must follow '&' or '*'"),
        ])
    func grammar(text: String, fault: String) {
        let parsed = Parsed(text)
        #expect(parsed.faults == ["FC0102 " + fault])
        #expect(!parsed.document.isComplete)
    }

    @Test(
        "a comment that touches what stands before it is a fault, a sign within a value is not",
        arguments: [
            ("a: |#b\n  c", "1:5"), ("a: >-#b\n  c", "1:6"), ("a: \"b\"#c", "1:7"), ("'a'#b", "1:4"),
            ("a: [b]#c", "1:7"),
            ("a: {b: 1}#c\n", "1:10"),
        ])
    func touchingComments(text: String, place: String) {
        #expect(Parsed(text).faults == ["FC0102 \(place) a comment needs a space before its '#'"])
        #expect(Parsed("a: b#c\nd: |1 #e\n #f\ng: [h#i] #j\nk: \"l\" #m\n").faults.isEmpty)
    }

    @Test("what was read before the fault is kept")
    func partialTree() {
        #expect(Parsed("a: 1\nb: [2, 3\nc: 4\n").value == ["a": 1, "b": [2, "3 c"]])
        #expect(Parsed("a: 1\nb: {c: 2, d: \"x").value == ["a": 1, "b": ["c": 2]])
    }

    @Test("what the text broke off in is marked as cut, and a value that the fault follows as broken")
    func cut() throws {
        let root = try #require(Parsed("a:\n  b: 1\n  c: one\n   d: 2\n").document.root)
        let inner = try #require(root["a"])
        #expect(root.isCut && inner.isCut && !root.isBroken && !inner.isBroken)
        #expect(inner["c"]?.isBroken == true && inner["b"]?.isBroken == false)
        let whole = try #require(Parsed("a: { b: 1 }\nc: [").document.root)
        #expect(whole.isCut && whole["a"]?.isCut == false && whole["c"]?.isBroken == true)
    }

    @Test("broken JSON is told at its place")
    func brokenJSON() {
        let parsed = Parsed("{\n  \"a\": 1,\n}", path: "A.JSON")
        #expect(parsed.faults == ["FC0103 3:1 unexpected '}' after ','"])
        #expect(parsed.document.root == nil && !parsed.document.isComplete)
    }

    @Test("bytes that are not UTF-8 are told without showing them", arguments: ["a.yaml", "a.json"])
    func encoding(path: String) {
        let parsed = Parsed(Array("a: ".utf8) + [0xFF, 0x41], path: path)
        #expect(parsed.diagnostics.map(\.code) == [.encoding])
        #expect(parsed.diagnostics.first?.range?.offsets == 3..<4)
        #expect(parsed.diagnostics.first?.isSecret == true)
    }

    @Test(
        "no message holds the value of a key that sounds secret",
        arguments: [
            "password: *hunter2", "password: !hunter2 x", "x: &hunter1 1\npasswrd: *hunter2", "token: {a: [*hunter2]}",
        ])
    func secretValues(text: String) {
        var collector = DiagnosticCollector()
        _ = Document.parse(SourceFile(path: "a", text: text), &collector)
        #expect(collector.errorCount == 1)
        for format in DiagnosticFormat.allCases {
            #expect(!collector.render(format, files: 1).contains("hunter"))
        }
    }

    @Test("UTF-16 is told by its name")
    func utf16() {
        #expect(Parsed([0xFF, 0xFE, 0x61, 0x00]).faults == ["FC0101 1:1 the file is UTF-16, not UTF-8"])
    }

    @Test("a control character is told by its number, at its place")
    func controlCharacter() {
        #expect(Parsed("é: x\ny: \u{1}z\n").faults == ["FC0102 2:4 the control character U+0001 is not allowed"])
        #expect(Parsed([0x61, 0x3A, 0x20, 0x00]).faults == ["FC0102 1:4 the control character U+0000 is not allowed"])
    }
}
