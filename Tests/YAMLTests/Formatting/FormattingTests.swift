import Diagnostics
import Testing
import YAML

@Suite("formatting")
struct FormattingTests {
    private let order = KeyOrder(
        ["$schema", "import", "captures"], other: KeyOrder(other: KeyOrder(["key", "schema"])), separatesSections: true)

    private func format(_ text: String, path: String = "a.yaml") -> String? {
        var found = DiagnosticCollector()
        return YAMLFormatter(order: order).format(SourceFile(path: path, text: text), &found)
    }

    @Test("known keys stand in their order and others in their places, each with its comments")
    func orderOfKeys() {
        let text = """
            # about the captures
            captures: {a: 1}   # behind
            x-mine: 2
            # the imports,
            # of two lines
            import: [b.yaml]
            """
        #expect(
            format(text) == """
                # the imports,
                # of two lines
                import: [b.yaml]
                x-mine: 2
                # about the captures
                captures: { a: 1 } # behind

                """)
    }

    @Test("an anchor stays before its alias, whatever the order says")
    func anchorsFirst() {
        let text = "captures: &c { a: 1 }\nimport: *c\n$schema: s\n"
        #expect(format(text) == "$schema: s\ncaptures: &c { a: 1 }\nimport: *c\n")
        let other = "captures: &c { a: 1 }\nx-one: *c\n$schema: *c\n"
        #expect(format(other) == other)
        let named = "captures: *c\nimport: 1\n"
        #expect(format("x-a: &c 1\n" + named) == "x-a: &c 1\nimport: 1\ncaptures: *c\n")
    }

    @Test("the editors' modeline is the first line, then what is about the whole file")
    func head() {
        let text = """
            # A file of ours.

            # yaml-language-server: $schema=s.json
            captures:
              a: { schema: 1, key: [x] }
            import: [b]
            """
        #expect(
            format(text) == """
                # yaml-language-server: $schema=s.json
                # A file of ours.

                import: [b]

                captures:
                  a: { key: [x], schema: 1 }

                """)
    }

    @Test(
        "what stands above the first entry stays where it is when that changes places, and so the second time",
        arguments: [
            ("--- # ours\ncaptures: 1\n\n# two\n\nimport: 2\n", "--- # ours\n# two\n\nimport: 2\ncaptures: 1\n"),
            ("---\n# a\n\n# b\ncaptures: 1\nimport: 2\n", "---\n# a\n\nimport: 2\n\n# b\ncaptures: 1\n"),
            (
                "captures: 1\n\n# a\n# yaml-language-server: b\nimport: 2\n",
                "# yaml-language-server: b\n# a\nimport: 2\ncaptures: 1\n"
            ),
            ("# a\n\n# yaml-language-server: b\n---\nx: 1\n", "# yaml-language-server: b\n# a\n---\nx: 1\n"),
            ("---\n", "---\n"), ("---\n# a\n\n\n", "---\n# a\n"),
            ("%YAML 1.2\n--- # a\n...\n# b\n", "%YAML 1.2\n--- # a\n# b\n"),
        ])
    func headStays(text: String, expected: String) {
        #expect(format(text) == expected)
        #expect(format(expected) == expected)
    }

    @Test("sections are two spaces deep and one empty line apart; lists are indented; long brackets become lines")
    func layout() {
        let long = String(repeating: "x", count: 60)
        let text = """
            import:
            - a
            -    - b
                 - c
            captures:
                 one: {address: "h:1", list: [\(long), \(long)], d: {} } # last


                 two: 'plain'
            """
        #expect(
            format(text) == """
                import:
                  - a
                  - - b
                    - c

                captures:
                  one: # last
                    address: h:1
                    list:
                      - \(long)
                      - \(long)
                    d: {}

                  two: plain

                """)
    }

    @Test(
        "quotes stay where the text would be something else without them, for any reader",
        arguments: [
            "no", "12", "", " a", "a: b", "a #b", "1_000", "2020-01-01", "null", "- a", "*a", "a:", "~", "12:30", "<<",
            "%a", "@a", "=", "?",
        ])
    func quotes(text: String) {
        #expect(format("a: \"\(text)\"\n") == "a: \"\(text)\"\n")
    }

    @Test("quotes go where they mean nothing, and are double where they are needed and can be")
    func fewerQuotes() {
        #expect(
            format("'a': \"b/c d\"\nb: ['x:y', 'it''s', \"z\"]\nc: 'no'\nd: 'say: \"x\"'\n")
                == "a: b/c d\nb: [\"x:y\", it's, z]\nc: \"no\"\nd: 'say: \"x\"'\n")
    }

    @Test("blocks of text keep every byte of their value")
    func blockScalars() {
        let text =
            "a:\n    b: |+ # kept\n          x\n           y \n\n\n    c: >-\n     one\n     two\n\n      three\n    d: |2\n        z\n"
        #expect(
            format(text)
                == "a:\n  b: |+ # kept\n    x\n     y \n\n\n  c: >-\n    one\n    two\n\n     three\n  d: |2\n      z\n"
        )
    }

    @Test(
        "what looks like an empty line is part of a block of text or behind it, and the end of the file is no line break",
        arguments: [
            ("x-a: |2\n   \ncaptures: {}\nimport: []\n", "x-a: |2\n   \nimport: []\ncaptures: {}\n"),
            ("x-a: >4\n    b\n      \n  \nx-b: 1\n", "x-a: >\n  b\n    \n\nx-b: 1\n"),
            ("x-a: |+\n    b\n\nimport: 1\n", "x-a: |+\n  b\n\nimport: 1\n"),
            ("x-a: |\n   abc", "x-a: |-\n  abc\n"), ("x-a: |+\n   abc\n\n   d", "x-a: |-\n  abc\n\n  d\n"),
            ("x-a: |+\n   abc\n\n  ", "x-a: |+\n  abc\n\n"), ("x-a: |\n   abc\n  ", "x-a: |\n  abc\n"),
            ("x-a: >-\n   abc\n     ", "x-a: >-\n  abc\n    \n"), ("x-a: |", "x-a: |\n"),
            ("captures: |\n   abc\nimport: |\n   d", "import: |-\n  d\ncaptures: |\n  abc\n"),
        ])
    func endsOfText(text: String, expected: String) throws {
        #expect(Parsed(text).value == Parsed(expected).value)
        let once = format(text)
        #expect(once == expected)
        #expect(format(expected) == expected)
    }

    @Test("comments in every odd place stay, on the line or above it")
    func comments() {
        let text = """
            a: # beside a
              # above b
              b: [ # opens
                1, # one
                # before two
                2
                # last
              ] # closes
              # ends a
            c: # beside c
              value # behind
            d:
            - # beside the dash
              # above e
              e: 1
            f: &x # beside the anchor
              {}
            # the end
            """
        #expect(
            format(text) == """
                a: # beside a
                  # above b
                  b: # closes
                    # opens
                    - 1 # one
                    # before two
                    - 2
                    # last
                  # ends a

                # beside c
                c: value # behind

                d:
                  # beside the dash
                  # above e
                  - e: 1

                # beside the anchor
                f: &x {}
                # the end

                """)
    }

    @Test(
        "an absent key is kept as it is written",
        arguments: [("?   \n: b\n", "?\n: b\n"), ("a: { ? : b}\n", "a: { ? : b }\n"), ("? # c\n", "?\n: # c\n")])
    func absentKeys(text: String, expected: String) {
        #expect(format(text) == expected)
        #expect(format(expected) == expected)
    }

    @Test(
        "a comment behind brackets' last line is the last entry's, and brackets of any length take a time of their length"
    )
    func longBrackets() {
        #expect(format("a: [1, 2 # c\n]\n") == "a:\n  - 1\n  - 2 # c\n")
        let long = (0..<40_000).map { "item\($0)" }.joined(separator: ", ")
        let clock = ContinuousClock()
        let start = clock.now
        #expect(format("a: [\(long) # c\n]\n")?.hasSuffix("\n  - item39999 # c\n") == true)
        // A second or two in a debug build; minutes where each entry looks at its whole line.
        #expect(clock.now - start < .seconds(60))
    }

    @Test("a marker, directives, tags and merge keys are kept; line breaks and byte order marks become plain")
    func rest() {
        #expect(
            format("\u{FEFF}%YAML 1.2\r\n---\r\na: &b {x: !!str 1}\r\nc:\r\n  <<: *b\r\n  y: !!int 2\r\n...\r\n")
                == "%YAML 1.2\n---\na: &b { x: !!str 1 }\n\nc:\n  <<: *b\n  y: !!int 2\n")
        #expect(format("? a\n: b\n? |\n  long\n: c\n") == "a: b\n? |\n  long\n: c\n")
        #expect(format("# nothing\n\n\n") == "# nothing\n")
        #expect(format("") == "")
    }

    @Test("JSON stays JSON, a member a line, in the same order of keys")
    func json() {
        let text = "{\"captures\": {\"a\": {\"schema\": 1.50, \"key\": []}}, \"import\": [\"\\u00e9\"]}"
        let expected = """
            {
              "import": [
                "é"
              ],
              "captures": {
                "a": {
                  "key": [],
                  "schema": 1.50
                }
              }
            }

            """
        #expect(format(text, path: "a.json") == expected)
        #expect(format(text) == expected && format(expected) == expected)
    }

    @Test(
        "what is at fault is reported and not formatted",
        arguments: ["a: [", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "a: *b\n", "? [a]\n: b\n", "a: !mine b\n"])
    func faults(text: String) {
        var found = DiagnosticCollector()
        #expect(YAMLFormatter().format(SourceFile(path: "a.yaml", text: text), &found) == nil)
        #expect(found.errorCount == 1 && found.diagnostics[0].range != nil)
    }
}
