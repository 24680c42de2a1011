import Diagnostics
import JSON
import Testing
import YAML

@Suite struct AliasTests {
    private static let known = DiagnosticCode(999, title: "t", explanation: "e")

    @Test("a value brought in by an alias knows where it is written and where it is used")
    func bothPlaces() throws {
        let parsed = Parsed("base: &b\n  port: x\nuse:\n  deep: *b\n")
        let written = try parsed.node("/base/port")
        let used = try parsed.node("/use/deep/port")
        #expect(written.usedAt == nil)
        #expect(used.range == written.range)
        #expect(used.usedAt?.description == "a.yaml:4:9")
        #expect(used.pointer.description == "/use/deep/port")
        let fault = used.error(Self.known, "no port")
        #expect(fault.range == written.range)
        #expect(fault.notes.map(\.range?.description) == ["a.yaml:4:9"])
        #expect(try parsed.node("/base").members?[0].keyError(Self.known, "m").notes.isEmpty == true)
    }

    @Test("of aliases within aliases the outermost use is told")
    func nested() throws {
        let parsed = Parsed("a: &a { x: 1 }\nb: &b { y: *a }\nc: *b\n")
        #expect(try parsed.node("/b/y/x").usedAt?.start.line == 2)
        #expect(try parsed.node("/c/y/x").usedAt?.start.line == 3)
        #expect(try parsed.node("/c/y/x").range.start.line == 1)
    }

    @Test("an anchor may be set again; an alias means the last one before it")
    func redefined() {
        #expect(Parsed("- &a 1\n- *a\n- &a 2\n- *a\n").value == [1, 1, 2, 2])
    }

    @Test("an alias may stand for a key")
    func aliasKey() {
        let parsed = Parsed("a: &k name\n*k : 1\n")
        #expect(parsed.faults.isEmpty)
        #expect(parsed.value == ["a": "name", "name": 1])
    }

    @Test("an unknown alias is a fault that names the nearest anchor")
    func unknown() throws {
        let parsed = Parsed("a: &source 1\nb: *sorce\nc: *zzz\n")
        #expect(
            parsed.faults == [
                "FC0108 2:4 no anchor '&sorce' stands before this alias",
                "FC0108 3:4 no anchor '&zzz' stands before this alias",
            ])
        #expect(
            parsed.diagnostics.map(\.hint) == ["did you mean '*source'?", "quote the value if it is meant as text"])
        #expect(try parsed.node("/b").isBroken)
    }

    @Test("an alias inside its own value is a fault")
    func cyclic() {
        let parsed = Parsed("a: &a\n  b: [*a]\n")
        #expect(parsed.faults == ["FC0113 2:7 the alias '*a' stands inside the value that it stands for"])
        #expect(parsed.diagnostics.first?.notes.first?.range?.description == "a.yaml:2:3")
    }

    @Test("a merge key takes members in, where the own ones and earlier mappings win")
    func merge() throws {
        let parsed = Parsed(
            """
            a: &a { x: 1, y: 1, z: 1 }
            b: &b { y: 2, w: 2 }
            c:
              first: 0
              <<: [*b, *a, { v: 3 }]
              z: 0
            d: { <<: *a }
            e: { "<<": 1 }
            """)
        #expect(parsed.faults.isEmpty)
        #expect(try parsed.node("/c").value.description == #"{"first":0,"y":2,"w":2,"x":1,"v":3,"z":0}"#)
        #expect(try parsed.node("/d").value.description == #"{"x":1,"y":1,"z":1}"#)
        #expect(try parsed.node("/e").value.description == #"{"<<":1}"#)
        #expect(try parsed.node("/c/x").usedAt?.description == "a.yaml:5:12")
        #expect(try parsed.node("/c/v").usedAt == nil)
        #expect(try parsed.node("/c").member("x")?.keyRange.description == "a.yaml:1:9")
    }

    @Test("a merged mapping that merges brings all members along")
    func mergeOfMerge() throws {
        let parsed = Parsed("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}")
        #expect(try parsed.node("/c").value.description == #"{"x":1,"y":2,"z":3}"#)
        #expect(try parsed.node("/c/x").usedAt?.start.line == 3)
    }

    @Test(
        "a merge key without a mapping is a fault",
        arguments: [
            ("a: {<<: 1}", "1:9 '<<' takes a mapping or a list of mappings, found an integer"),
            ("a: {<<: [{}, x]}", "1:14 '<<' takes a mapping or a list of mappings, found a string"),
            ("a: &a [1]\nb:\n  <<: [*a]", "3:8 '<<' takes a mapping or a list of mappings, found an array"),
            ("a:\n  <<:", "2:6 '<<' takes a mapping or a list of mappings, found null"),
        ])
    func badMerge(text: String, fault: String) {
        #expect(Parsed(text).faults == ["FC0106 " + fault])
    }

    @Test("keys that start with x- are data like any other")
    func extensionKeys() throws {
        let parsed = Parsed("x-defaults: &d {port: 1}\nc: {<<: *d}")
        #expect(parsed.value == ["x-defaults": ["port": 1], "c": ["port": 1]])
    }
}
