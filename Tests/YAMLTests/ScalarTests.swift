import JSON
import Testing
import YAML

@Suite struct ScalarTests {
    @Test(
        "plain scalars have the types of YAML 1.2's core schema",
        arguments: [
            ("no", #""no""#), ("on", #""on""#), ("Yes", #""Yes""#), ("off", #""off""#), ("1_000", #""1_000""#),
            ("12:30:45", #""12:30:45""#), ("2024-01-01", #""2024-01-01""#), ("0b11", #""0b11""#), ("1e", #""1e""#),
            ("~", "null"), ("null", "null"), ("NULL", "null"), ("nUll", #""nUll""#), ("true", "true"),
            ("FALSE", "false"),
            ("tRue", #""tRue""#), ("0", "0"), ("-12", "-12"), ("+12", "12"), ("0777", "777"), ("-007", "-7"),
            ("0o17", "15"),
            ("0x1F", "31"), ("0xffffffffffffffffff", "4722366482869645213695"), ("0xg", #""0xg""#), ("1.50", "1.50"),
            (".5", "0.5"), ("1.", "1"), ("-.5e3", "-0.5e3"), ("1.e2", "1e2"), (".", #"".""#), ("+", #""+""#),
            ("1.2.3", #""1.2.3""#),
            ("00.5", "0.5"), ("123456789012345678901234567890", "123456789012345678901234567890"), ("-", #"[null]"#),
            ("'1'", #""1""#), ("\"true\"", #""true""#), ("!!str 1", #""1""#), ("! 1", #""1""#), ("!!int \"7\"", "7"),
            ("!!float 1", "1"),
            ("|\n 1\n", #""1\n""#), (">-\n a\n b\n", #""a b""#),
        ])
    func core(text: String, json: String) {
        let parsed = Parsed(text)
        #expect(parsed.faults.isEmpty)
        #expect(parsed.value?.description == json)
    }

    @Test(
        "the line breaks of YAML 1.1 that YAML 1.2 has not are characters like others",
        arguments: ["\u{85}", "\u{2028}", "\u{2029}"])
    func formerBreaks(character: String) throws {
        let text =
            "a: b\(character)c\nd: \"\(character)e\\u0100\" # \(character)f: 1\n'\(character)': |\n  x\(character)y\nĀ: 1\n"
        let parsed = Parsed(text)
        #expect(parsed.faults.isEmpty)
        #expect(try parsed.node("/a").string == "b\(character)c")
        #expect(try parsed.node("/d").string == "\(character)e\u{100}")
        #expect(try parsed.node("/\(character)").string == "x\(character)y\n")
        #expect(try parsed.node("/Ā").range.start.line == 5)
    }

    @Test(
        "infinity and not-a-number are faults, for JSON has no form for them",
        arguments: [".inf", "-.INF", "+.Inf", ".nan", ".NaN"])
    func nonFinite(text: String) throws {
        let parsed = Parsed("a: \(text)\nb: 1")
        #expect(parsed.faults == ["FC0112 1:4 the number \(text) has no JSON form"])
        #expect(try parsed.node("/a").isBroken)
        #expect(try parsed.node("/b").int == 1)
    }

    @Test(
        "a tag outside the core schema is a fault at the tag",
        arguments: [
            ("a: !include b.yaml", "1:4 the tag '!include' is not supported"),
            ("a: &x !!binary aGk=", "1:7 the tag '!!binary' is not supported"),
            ("a: !!int x", "1:4 the value does not fit its tag '!!int'"),
            ("a: !!set {}", "1:4 the tag '!!set' is not supported here"),
            ("!!map []", "1:1 the tag '!!map' is not supported here"),
        ])
    func tags(text: String, fault: String) {
        #expect(Parsed(text).faults == ["FC0111 " + fault])
    }

    @Test("keys are their text, whatever a value of that text would be")
    func keys() {
        let parsed = Parsed("1: a\ntrue: b\n~: c\n0x10: d\n'q': e\n? f\n: g\non: h\n.inf: i")
        #expect(parsed.faults.isEmpty)
        #expect(parsed.document.root?.keys == ["1", "true", "~", "0x10", "q", "f", "on", ".inf"])
    }

    @Test("a big number keeps its digits")
    func digits() throws {
        #expect(try Parsed("a: 0.10000000000000000000001").node("/a").number?.text == "0.10000000000000000000001")
    }
}
