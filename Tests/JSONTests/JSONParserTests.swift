import JSON
import Testing

@Suite struct JSONParserTests {
    @Test(
        "a value is written as it was read",
        arguments: [
            "null", "true", "false", "0", "-0", "1.50", "1E+2", "123456789012345678901234567890.000", "\"\"", "[]",
            "{}",
            #"{"b":1,"a":[{},[],"x"],"c":null}"#, #""\"\\\n\t\u0001é漢🙂""#,
        ])
    func roundTrip(text: String) throws {
        #expect(try JSONValue(parsing: text).description == text)
    }

    @Test("escapes become their characters")
    func escapes() throws {
        #expect(try JSONValue(parsing: #""\u00e9\ud83d\ude42\/\b\f\n\r\t\\\"""#) == .string("é🙂/\u{8}\u{C}\n\r\t\\\""))
    }

    @Test("white space and a byte order mark do not matter")
    func space() throws {
        #expect(try JSONValue(parsing: [0xEF, 0xBB, 0xBF] + Array("\r\n\t [ 1 , 2 ] \n".utf8)) == [1, 2])
    }

    @Test(
        "a fault is told with its line and column",
        arguments: [
            ("", "the text is empty; a JSON value was expected", 1, 1),
            ("[1,\n 2", "expected ',' or ']' after an item, found the end of the text", 2, 3),
            ("{\"é\": tru}", "expected a JSON value, found 'tru'", 1, 7),
            ("[1,]", "unexpected ']' after ','", 1, 4), ("{\"a\":1,}", "unexpected '}' after ','", 1, 8),
            ("{a: 1}", "expected a member name in double quotes, found 'a'", 1, 2),
            ("01", "'01' is not a JSON number", 1, 1), ("1.", "'1.' is not a JSON number", 1, 1),
            ("-", "'-' is not a JSON number", 1, 1), ("1 2", "unexpected '2' after the JSON value", 1, 3),
            ("\"a", "the string that starts here has no closing '\"'", 1, 1),
            ("\"a\nb\"", "a string may not hold a line break; write it as an escape", 1, 3),
            (#""\ud800x""#, "a lone surrogate is no character", 1, 2), (#""\q""#, "unknown escape in a string", 1, 2),
            (#""\u12g4""#, "'\\u' needs four hexadecimal digits", 1, 2),
            ("{\"a\" 1}", "expected ':' after a member name, found '1'", 1, 6),
            ("// x\n1", "expected a JSON value, found '/'", 1, 1),
        ])
    func faults(text: String, message: String, line: Int, column: Int) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
        #expect(error?.message == message)
        #expect(error?.line == line)
        #expect(error?.column == column)
    }

    @Test(
        "bytes that are not UTF-8 are a fault at their place",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80],
            [0xF4, 0x90, 0x80, 0x80],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")])
        }
        #expect(error?.message == "the text is not UTF-8")
        #expect(error?.offset == 1)
    }

    @Test("nesting past the limit is a fault, not a crash", arguments: ["[", "{\"a\":"])
    func depth(opening: String) throws {
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: String(repeating: opening, count: 1_000_000))
        }
        #expect(error?.message == "nested more than 512 levels deep")
        let deepest = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(try JSONValue(parsing: deepest).description == deepest)
    }

    @Test("pretty text has a line for each member and item")
    func pretty() throws {
        let value = try JSONValue(parsing: #"{"a":[1,{"b":null}],"c":[],"d":{}}"#)
        #expect(
            JSONWriter.write(value, .pretty) == """
                {
                  "a": [
                    1,
                    {
                      "b": null
                    }
                  ],
                  "c": [],
                  "d": {}
                }
                """)
        #expect(JSONWriter.write(value, .spaced) == #"{"a": [1, {"b": null}], "c": [], "d": {}}"#)
    }
}
