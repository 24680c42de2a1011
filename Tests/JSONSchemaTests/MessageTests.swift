import JSON
import JSONSchema
import Testing

@Suite struct MessageTests {
    private func failures(_ schema: String, _ value: String) throws -> [SchemaFailure] {
        try SchemaCompiler(.flow).compile(JSONValue(parsing: schema)).validate(JSONValue(parsing: value))
    }

    private func messages(_ schema: String, _ value: String) throws -> [String] {
        try failures(schema, value).map(\.description)
    }

    @Test(
        "each keyword has a message for the one who wrote the value",
        arguments: [
            (#"{"type":"integer"}"#, #""x""#, #"expected integer, found string "x""#),
            (#"{"type":["string","null"]}"#, "1.5", "expected string or null, found number 1.5"),
            (#"{"type":"object"}"#, "[]", "expected object, found an empty array"),
            (#"{"enum":["a","b",1]}"#, #""c""#, #"expected "a", "b" or 1, found string "c""#),
            (#"{"const":true}"#, "false", "expected true, found boolean false"),
            (#"{"minimum":1}"#, "0", "0 must be at least 1"),
            (#"{"maximum":65535}"#, "70000", "70000 must be at most 65535"),
            (#"{"exclusiveMinimum":0}"#, "0", "0 must be above 0"),
            (#"{"exclusiveMaximum":0}"#, "0", "0 must be below 0"),
            (#"{"multipleOf":0.1}"#, "0.15", "0.15 must be a multiple of 0.1"),
            (#"{"minLength":1}"#, #""""#, "must not be empty"),
            (#"{"minLength":3}"#, #""ab""#, #""ab" must have at least 3 characters"#),
            (#"{"maxLength":2}"#, #""abc""#, #""abc" must have at most 2 characters"#),
            (#"{"pattern":"^a+$"}"#, #""b""#, #""b" does not match the pattern ^a+$"#),
            (#"{"format":"date"}"#, #""2026-02-30""#, #""2026-02-30" is not a date such as 2026-01-31"#),
            (#"{"minItems":1}"#, "[]", "must not be empty"),
            (#"{"maxItems":1}"#, "[1,2]", "must have at most 1 items, has 2"),
            (#"{"uniqueItems":true}"#, "[1,2,1.0]", "items 0 and 2 are equal: 1.0"),
            (#"{"prefixItems":[true],"items":false}"#, "[1,2]", "only 1 items are allowed at /1"),
            (
                #"{"contains":{"type":"string"}}"#, "[1]",
                "at least 1 of the items must match what 'contains' asks for; 0 do"
            ),
            (#"{"required":["a","b","c"]}"#, #"{"b":1}"#, "missing fields 'a' and 'c'"),
            (#"{"required":["a"]}"#, "{}", "missing field 'a'"),
            (#"{"minProperties":1}"#, "{}", "must not be empty"),
            (#"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#, "the field 'a' needs the field 'b' as well"),
            (
                #"{"propertyNames":{"pattern":"^[a-z]+$"}}"#, #"{"A":1}"#,
                #"the name 'A' is not allowed: "A" does not match the pattern ^[a-z]+$ at /A"#
            ),
            (#"{"properties":{"a":false}}"#, #"{"a":1}"#, "the field 'a' is not allowed here at /a"),
            (#"{"not":{"required":["a"]}}"#, #"{"a":1}"#, "the field 'a' can't be used here"),
            (#"{"not":{"type":"string"}}"#, #""x""#, #""x" is not allowed here"#),
            ("false", "1", "nothing is allowed here"),
            (
                #"{"properties":{"a":{},"b":{}},"additionalProperties":false}"#, #"{"c":1}"#,
                "unknown field 'c'; known: a and b at /c"
            ),
            (
                #"{"properties":{"a":{}},"allOf":[{"properties":{"b":{}}}],"unevaluatedProperties":false}"#,
                #"{"c":1}"#, "unknown field 'c'; known: a and b at /c"
            ),
        ])
    func message(schema: String, value: String, message: String) throws {
        #expect(try messages(schema, value) == [message])
    }

    @Test("an unknown field is a fault of its name and brings the known names along")
    func unknownField() throws {
        let schema = #"{"properties":{"password":{"type":"string"},"user":{}},"additionalProperties":false}"#
        let failure = try #require(try failures(schema, #"{"pasword":"x","user":"y"}"#).first)
        #expect(failure.isAboutKey && failure.names == ["pasword"] && failure.subject == "pasword")
        #expect(failure.candidates == ["password", "user"])
        #expect(failure.instance.description == "/pasword")
        #expect(failure.keyword == "additionalProperties" && failure.schema == "schema:#/additionalProperties")
    }

    @Test("all failures are found, each at its place")
    func allFailures() throws {
        let schema = #"""
            {"type":"object","required":["a"],"additionalProperties":false,"properties":{
             "b":{"type":"array","items":{"$ref":"#/$defs/port"}},"c":{"minimum":3}},
             "$defs":{"port":{"type":"integer","maximum":9}}}
            """#
        #expect(
            try messages(schema, #"{"b":[1,10,"x"],"c":1,"d":2}"#) == [
                "missing field 'a'", "10 must be at most 9 at /b/1", #"expected integer, found string "x" at /b/2"#,
                "1 must be at least 3 at /c", "unknown field 'd'; known: b and c at /d",
            ])
        #expect(
            try failures(schema, #"{"b":[10]}"#).map(\.schema).sorted() == [
                "schema:#/$defs/port/maximum", "schema:#/required",
            ])
    }

    private static let secret = #"""
        {"anyOf":[{"type":"string"},
         {"type":"object","properties":{"env":{"type":"string"}},"required":["env"],"additionalProperties":false},
         {"type":"object","properties":{"file":{"type":"string"}},"required":["file"],"additionalProperties":false},
         {"type":"object","properties":{"exec":{"type":"array","items":{"type":"string"}}},"required":["exec"],
          "additionalProperties":false}]}
        """#

    @Test(
        "of several forms the one that was most likely meant tells what is wrong",
        arguments: [
            ("1", "expected object or string, found integer 1"),
            (#"{"env":1}"#, "expected string, found integer 1 at /env"),
            (#"{"exec":["a",2]}"#, "expected string, found integer 2 at /exec/1"),
            (#"{"envv":"X"}"#, "unknown field 'envv'; known: env, file and exec at /envv"),
            ("{}", "needs one of the fields 'env', 'file' or 'exec'"),
        ])
    func branches(value: String, message: String) throws {
        #expect(try messages(Self.secret, value) == [message])
        #expect(try messages(Self.secret.replacing("anyOf", with: "oneOf"), value) == [message])
    }

    @Test("a member with a fixed value chooses the form")
    func discriminator() throws {
        let schema = #"""
            {"oneOf":[{"properties":{"type":{"const":"a"},"x":{"type":"integer"}},"required":["type","x"]},
             {"properties":{"type":{"const":"b"},"y":{"type":"integer"}},"required":["type","y"]}]}
            """#
        #expect(try messages(schema, #"{"type":"b","x":1}"#) == ["missing field 'y'"])
        #expect(try messages(schema, #"{"type":"a","x":"1"}"#) == [#"expected integer, found string "1" at /x"#])
    }

    @Test("forms that are told apart by what they need name the members that exclude each other")
    func excluding() throws {
        let schema = #"{"oneOf":[{"required":["a","x"]},{"required":["b","x"]},{"required":["c"]}]}"#
        #expect(try messages(schema, #"{"a":1,"b":2,"x":3}"#) == ["the fields 'a' and 'b' exclude each other"])
    }

    @Test("values for which several forms hold at once are told so")
    func ambiguous() throws {
        let schema = #"{"oneOf":[{"title":"small","maximum":5},{"minimum":3},{"const":9}]}"#
        #expect(
            try messages(schema, "4") == ["matches 'small' and form 2 at once; exactly one of the forms must match"])
    }

    @Test("no message holds a value that the schema calls a secret", arguments: ["secret", "airbyte_secret"])
    func secrets(keyword: String) throws {
        let schema = #"""
            {"properties":{"a":{"type":"string","maxLength":3,"pattern":"^x","format":"date","\#(keyword)":true},
             "b":{"\#(keyword)":true,"anyOf":[{"type":"string","enum":["q"]},{"type":"object"}]},
             "c":{"allOf":[{"$ref":"#/$defs/s"}],"minLength":99},"d":{"type":"string","\#(keyword)":true}},
             "$defs":{"s":{"type":"string","\#(keyword)":true}}}
            """#
        let value = #"{"a":"hunter2","b":"hunter2","c":"hunter2","d":7777}"#
        let failures = try failures(schema, value)
        #expect(failures.count == 6)
        #expect(failures.allSatisfy { $0.isSecret && !$0.message.contains("hunter2") && !$0.message.contains("7777") })
        #expect(failures.allSatisfy { $0.subject == nil })
        #expect(failures.last?.message == "expected string, found an integer")
    }

    @Test("annotations come from the schemas that hold, secrets from all")
    func annotations() throws {
        let schema = try SchemaCompiler(.flow).compile(
            JSONValue(
                parsing: #"""
                    {"title":"root","properties":{"p":{"secret":true,"minLength":9},"q":{"$ref":"#/$defs/q"}},
                     "if":{"properties":{"op":{"const":"d"}},"required":["op"]},
                     "then":{"reduce":{"strategy":"merge","delete":true}},"else":{"reduce":{"strategy":"merge"}},
                     "$defs":{"q":{"items":{"x-note":1}}}}
                    """#))
        let value = try JSONValue(parsing: #"{"p":"short","q":[0,0]}"#)
        let all = schema.annotations(named: ["secret", "x-note"], of: value, evenInvalid: true)
        #expect(Set(all.map(\.instance.description)) == ["/p", "/q/0", "/q/1"])
        #expect(schema.annotations(named: ["title"], of: value).isEmpty)
        let valid = try JSONValue(parsing: #"{"op":"d"}"#)
        #expect(
            schema.annotations(named: ["reduce"], of: valid).map(\.value.description) == [
                #"{"strategy":"merge","delete":true}"#
            ])
        #expect(
            schema.annotations(named: ["reduce"], of: ["op": "c"]).map(\.value.description) == [
                #"{"strategy":"merge"}"#
            ])
    }
}
