import Diagnostics
import JSON
import TestSupport
import Testing
import YAML

@Suite struct HostileInputTests {
    @Test("aliases that multiply past 10 million nodes are a fault, not a memory blow-up")
    func laughs() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1...12 {
            let uses = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(uses)]\n"
        }
        let parsed = Parsed(text)
        #expect(parsed.diagnostics.map(\.code) == [.tooManyNodes])
        #expect(parsed.diagnostics.first?.range?.start.line == 7)
        #expect(!parsed.document.isComplete)
    }

    @Test("merge keys that multiply past the limit are a fault too")
    func mergeLaughs() {
        var text = "a: &a {" + (0..<200).map { "k\($0): 0" }.joined(separator: ", ") + "}\n"
        for level in 0..<400 { text += "m\(level): {<<: *a}\n" }
        let parsed = Parsed(text, limits: DocumentLimits(nodes: 100_000))
        #expect(
            parsed.faults == ["FC0109 249:12 the document has more than 100000 nodes once its aliases are expanded"])
    }

    @Test("a million nodes by aliases are shared, in the tree and in its value")
    func shared() throws {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1...5 {
            let uses = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(uses)]\n"
        }
        let parsed = Parsed(text)
        #expect(parsed.faults.isEmpty)
        #expect(try parsed.node("/a5").nodeCount == 1_111_111)
        #expect(try parsed.node("/a5/9/9/9/9/9/9").usedAt?.start.line == 6)
        #expect(parsed.value?["a5"]?.arrayValue?.count == 10)
    }

    @Test(
        "nesting past the limit is a fault, however it is written",
        arguments: [
            String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
            String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
            (0..<1000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        ])
    func nesting(text: String) {
        let parsed = Parsed(text)
        #expect(parsed.diagnostics.map(\.code) == [.tooDeep])
    }

    @Test("nesting by aliases counts too")
    func nestingByAliases() {
        var text = "a0: &a0 " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "\n"
        for level in 1...10 {
            text +=
                "a\(level): &a\(level) " + String(repeating: "[", count: 50) + "*a\(level - 1)"
                + String(repeating: "]", count: 50) + "\n"
        }
        let parsed = Parsed(text)
        #expect(parsed.diagnostics.map(\.code) == [.tooDeep])
        #expect(parsed.diagnostics.first?.range?.start.line == 3)
    }

    @Test("a file that is larger than a catalog can be, or full of directives, is refused unread")
    func size() {
        let large = Parsed("a: 1", limits: DocumentLimits(bytes: 3))
        #expect(large.faults == ["FC0109 1:1 the file has 4 bytes; a catalog file may have 3"])
        let directives = (0..<1000).map { "%TAG !\($0)! x\n" }.joined()
        #expect(
            Parsed(directives + "---\na").faults == ["FC0102 101:1 the file has too many lines that start with '%'"])
        #expect(Parsed("a\n...\n" + directives).diagnostics.count == 1)
        #expect(Parsed("%YAML 1.2\n%TAG !e! tag:yaml.org,2002:\n---\n!e!str 1").value == "1")
    }

    @Test("a file of nothing but faults is reported up to a limit")
    func manyFaults() {
        let parsed = Parsed(String(repeating: "- *a\n", count: 50_000))
        #expect(parsed.diagnostics.count == 1001)
        #expect(parsed.faults.last == "FC0108 1001:3 49000 more faults of this file from here on are not shown")
        let json = Parsed("{" + String(repeating: "\"a\": 1,\n", count: 1502) + "\"a\": 1}", path: "a.json")
        #expect(json.faults.last == "FC0105 1002:1 502 more faults of this file from here on are not shown")
        #expect(parsed.document.root?.childCount == 50_000)
    }

    @Test("JSON has the same limits")
    func json() {
        #expect(Parsed(String(repeating: "[", count: 100_000), path: "a.json").diagnostics.map(\.code) == [.tooDeep])
        let many = Parsed("[1, 2, 3]", path: "a.json", limits: DocumentLimits(nodes: 3))
        #expect(many.diagnostics.map(\.code) == [.tooManyNodes])
    }

    @Test("text that is changed at random never crashes or hangs the parser, and all ranges stay in the file")
    func mutations() {
        let seeds = [
            "a: &a {x: 1, y: [1, 2]}\nb:\n  <<: *a\n  c: |\n    text\n  d: \"q\\u00e9\"\n# é\ne: 'x'\n",
            "- &x !!str a\n- *x\n- ? k\n  : v\n- {a: b, <<: {c: d}}\n- >-\n  folded\n  text\n",
            "{\"a\": [1, 2.5e3, true, null], \"b\": {\"c\": \"\\ud83d\\ude42\"}}",
        ].map { Array($0.utf8) }
        let alphabet =
            Array(" \n\r\t:-?[]{},&*!|>'\"#%@`\\a1~<é\u{0}\u{85}\u{2028}".utf8) + [0xFF, 0xC3, 0xEF, 0xBB, 0xBF]
        var random = SplitMix(state: 42)
        for round in 0..<6000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<(1 + random.below(6)) {
                let place = random.below(bytes.count + 1)
                switch random.below(4) {
                case 0: bytes.insert(alphabet[random.below(alphabet.count)], at: place)
                case 1 where place < bytes.count: bytes.remove(at: place)
                case 2 where place < bytes.count: bytes[place] = alphabet[random.below(alphabet.count)]
                default:
                    let end = min(bytes.count, place + random.below(20))
                    bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count + 1))
                }
            }
            let parsed = Parsed(bytes, path: round % 2 == 0 ? "a.yaml" : "a.json")
            if !parsed.document.isComplete { #expect(!parsed.diagnostics.isEmpty) }
            for diagnostic in parsed.diagnostics { #expect(diagnostic.range != nil) }
            if let root = parsed.document.root { checkRanges(root, bytes.count) }
        }
    }

    private func checkRanges(_ node: Node, _ size: Int) {
        let offsets = node.range.offsets
        if offsets.upperBound > size || offsets.lowerBound > offsets.upperBound {
            Issue.record("\(offsets) in \(size)")
        }
        // A plain string on one line is its own text; libyaml breaks lines at three more characters.
        if node.style == .plain, let text = node.string, node.usedAt == nil, !node.isBroken,
            !node.range.text.unicodeScalars.contains(where: { "\r\n\u{85}\u{2028}\u{2029}".unicodeScalars.contains($0) }
            )
        {
            #expect(node.range.text == text)
        }
        for item in node.items ?? [] {
            if item.usedAt == nil, !offsets.contains(item.range.offsets) { Issue.record("\(item.range) outside") }
            checkRanges(item, size)
        }
        for member in node.members ?? [] {
            if member.value.usedAt == nil, !offsets.contains(member.value.range.offsets) {
                Issue.record("\(member.value.range) outside \(node.range)")
            }
            checkRanges(member.value, size)
        }
    }
}

extension Range where Bound == Int {
    fileprivate func contains(_ other: Range<Int>) -> Bool {
        lowerBound <= other.lowerBound && other.upperBound <= upperBound
    }
}
