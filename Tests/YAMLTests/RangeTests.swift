import Diagnostics
import JSON
import Testing
import YAML

@Suite struct RangeTests {
    private func place(_ range: SourceRange) -> String {
        "\(range.start.line):\(range.start.column)-\(range.end.line):\(range.end.column) \(range.text)"
    }

    @Test("every node has the range of its text")
    func ranges() throws {
        let parsed = Parsed(
            """
            # comment
            a:   plain text   # comment
            b: "quo\\nted"
            c: 'it''s'
            d:
              - 1
              -   x: [ é, {漢: 字} ]

            # comment
            e: |
              text
              more

            f:
            g: &anchor !!str tagged
            h: &m
              k: v
            i: *anchor
            """)
        #expect(parsed.faults.isEmpty)
        let expected = [
            "/a": "2:6-2:16 plain text", "/b": "3:4-3:14 \"quo\\nted\"", "/c": "4:4-4:11 'it''s'",
            "/d": "6:3-7:23 - 1\n  -   x: [ é, {漢: 字} ]", "/d/0": "6:5-6:6 1", "/d/1": "7:7-7:23 x: [ é, {漢: 字} ]",
            "/d/1/x": "7:10-7:23 [ é, {漢: 字} ]", "/d/1/x/0": "7:12-7:13 é", "/d/1/x/1": "7:15-7:21 {漢: 字}",
            "/d/1/x/1/漢": "7:19-7:20 字", "/e": "10:4-12:7 |\n  text\n  more", "/f": "14:3-14:3 ",
            "/g": "15:18-15:24 tagged", "/h": "17:3-17:7 k: v", "/i": "15:18-15:24 tagged",
        ]
        for (pointer, text) in expected { #expect(place(try parsed.node(pointer).range) == text, "\(pointer)") }
        #expect(try parsed.node("/d/1").members.map { $0.map { place($0.keyRange) } } == ["7:7-7:8 x"])
    }

    @Test("the same text with CRLF, lone returns or a byte order mark has the same places", arguments: ["\r\n", "\r"])
    func lineBreaks(lineBreak: String) throws {
        let text = "a: é\n\nb:\n  - x\n  - \"y\n    z\"\nc: 1\n"
        let plain = Parsed(text)
        let other = Parsed([0xEF, 0xBB, 0xBF] + Array(text.replacing("\n", with: lineBreak).utf8))
        #expect(plain.value == other.value)
        for pointer in ["/a", "/b", "/b/0", "/b/1", "/c"] {
            let start = try plain.node(pointer).range.start
            let otherStart = try other.node(pointer).range.start
            #expect([start.line, start.column] == [otherStart.line, otherStart.column - (start.line == 1 ? 1 : 0)])
        }
    }

    @Test("JSON text has the same tree whether it is read as JSON or as YAML")
    func json() throws {
        let text = #"{"a": [1, -2.50, true, null, "x\ty"], "b": {"c": {}, "d": []}}"#
        let json = Parsed(text, path: "a.json")
        let yaml = Parsed(text)
        #expect(json.faults.isEmpty && yaml.faults.isEmpty)
        #expect(json.value == yaml.value)
        for pointer in ["", "/a", "/a/0", "/a/1", "/a/4", "/b", "/b/c", "/b/d"] {
            #expect(place(try json.node(pointer).range) == place(try yaml.node(pointer).range))
        }
        let members = try #require(json.document.root?.members)
        #expect(members.map { place($0.keyRange) } == ["1:2-1:5 \"a\"", "1:39-1:42 \"b\""])
    }

    @Test(
        "anchor and tag are no part of a value's text, however close they stand",
        arguments: [
            ("- &x ?a", "?a"), ("- &x?a", "?a"), ("- !!str &x a", "a"), ("- &x !!str\n  # c\n  a b", "a b"),
            ("- &x", ""),
            ("- [&x , 1]", "[&x , 1]"), ("- &x {a: 1}", "{a: 1}"), ("- !!map\n  a: 1", "a: 1"),
        ])
    func properties(text: String, value: String) throws {
        #expect(try Parsed(text).node("/0").range.text == value)
    }

    @Test("JSON is read by its own rules wherever it comes from")
    func jsonElsewhere() {
        let text = "{\"a\":\"\\ud83d\\ude42\",\n\t\"b\":[1,2],\"\(String(repeating: "k", count: 2000))\":1}"
        let parsed = Parsed(text, path: "-")
        #expect(parsed.faults.isEmpty)
        #expect(parsed.value?["a"] == "🙂")
        #expect(Parsed("{a: [b, *x]}", path: "-").diagnostics.map(\.code) == [.unknownAnchor])
        #expect(
            Parsed("{\"a\":1,\"b\":[\"x\",{\"c\":2}]} # no JSON").value?.description == #"{"a":1,"b":["x",{"c":2}]}"#)
    }

    @Test("a node knows its pointer, its kind and its neighbours")
    func navigation() throws {
        let parsed = Parsed("a/b:\n  - x~y: [true, 1.5, null]\n")
        let node = try parsed.node("/a~1b/0/x~0y/1")
        #expect(node.pointer.description == "/a~1b/0/x~0y/1")
        #expect(node.kind == .number && node.number == JSONNumber("1.5"))
        let list = try parsed.node("/a~1b/0/x~0y")
        #expect(list.items?.map(\.kind) == [.boolean, .number, .null])
        #expect(list[3] == nil && list["x"] == nil && list.childCount == 3)
        #expect(parsed.document.root?.nodeCount == 9)
        #expect(parsed.document.root?.pointer == .root)
    }

    @Test("a tree that is made has the place of what it follows from")
    func synthetic() throws {
        let parsed = Parsed("a: [abc]")
        let origin = try parsed.node("/a/0")
        let node = Node(["x": [1, nil]], from: origin)
        #expect(node.value == ["x": [1, nil]])
        #expect(node["x"]?[0]?.range == origin.range)
        #expect(node["x"]?[0]?.pointer.description == "/a/0")
        #expect(node["x"]?[1]?.value == .null)
    }
}
