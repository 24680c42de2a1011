import JSON
import JSONSchema
import TestSupport
import Testing

@Suite struct HostileInputTests {
    private func nested(_ depth: Int, _ opening: String, _ closing: String) throws -> JSONValue {
        try JSONValue(
            parsing: String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth))
    }

    @Test("a value nested as deep as a parser allows is checked by a schema that refers to itself")
    func deepValue() throws {
        let schema = try SchemaCompiler(.flow).compile(
            JSONValue(parsing: ##"{"properties":{"a":{"allOf":[{"$ref":"#"}]}},"unevaluatedProperties":false}"##))
        let value = try nested(256, #"{"a":"#, "}")
        #expect(schema.isValid(value))
        #expect(schema.validate(value).isEmpty)
    }

    @Test("a schema that multiplies the depth of a deep value ends in a failure, not in a crash")
    func deepSchemaAndValue() throws {
        var inner = ##"{"properties":{"a":{"$ref":"#"}}}"##
        for _ in 0..<60 { inner = #"{"anyOf":["# + inner + "]}" }
        let schema = try SchemaCompiler(.flow).compile(JSONValue(parsing: inner))
        let value = try nested(500, #"{"a":"#, "}")
        #expect(!schema.isValid(value))
        #expect(schema.validate(value).contains { $0.message == "the value is nested too deeply to be checked" })
    }

    @Test(
        "a schema nested as deep as a parser allows is compiled and used", arguments: ["not", "items", "if", "allOf"])
    func deepSchema(keyword: String) throws {
        let brackets = keyword == "allOf" ? ("[", "]") : ("", "")
        let opening = #"{"\#(keyword)":"# + brackets.0
        let depth = keyword == "allOf" ? 250 : 500
        let text = String(repeating: opening, count: depth) + "true" + String(repeating: brackets.1 + "}", count: depth)
        let schema = try SchemaCompiler(.flow).compile(JSONValue(parsing: text))
        #expect(schema.isValid(1))
        #expect(schema.validate([[1]]).isEmpty)
    }

    @Test("a dynamic reference that leads to itself ends in a failure")
    func dynamicLoop() throws {
        let schema = try SchemaCompiler(.specification).compile(["$dynamicAnchor": "a", "$dynamicRef": "#a"])
        #expect(!schema.isValid(1))
        #expect(!schema.validate(1).isEmpty)
    }

    @Test("branches inside branches do not multiply the time of a failure")
    func branchingFailures() throws {
        // Each level has two branches that both fail below.
        let schema = try SchemaCompiler(.flow).compile(
            JSONValue(
                parsing: ##"""
                    {"type":["object","string"],"properties":{"a":{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}}}
                    """##))
        let value = try nested(200, #"{"a":"#, "}")
        #expect(!schema.isValid(value))
        #expect(
            schema.validate(value).map(\.message) == [
                "the schema's branches multiply so that this value can't be checked in reasonable time"
            ])
    }

    @Test("a list of a hundred thousand equal faults is reported up to a limit")
    func manyFaults() throws {
        let schema = try SchemaCompiler(.flow).compile(["items": ["type": "string"]])
        let value = JSONValue.array(Array(repeating: 1, count: 100_000))
        #expect(schema.validate(value).count == 10_000)
    }

    @Test("a hundred thousand members and items are checked quickly, unevaluated and unique ones too")
    func large() throws {
        let schema = try SchemaCompiler(.flow).compile(
            JSONValue(
                parsing: #"""
                    {"allOf":[{"patternProperties":{"^k":{"type":"integer"}}}],"unevaluatedProperties":false,
                     "items":{"type":"integer"},"uniqueItems":true,"minProperties":5}
                    """#))
        let object = JSONObject((0..<100_000).map { ("k\($0)", JSONValue.int($0)) })
        #expect(schema.isValid(.object(object)))
        #expect(schema.isValid(.array((0..<100_000).map { .int($0) })))
    }

    @Test("schemas and values that are changed at random never crash or hang, and both ways of checking agree")
    func mutations() throws {
        let pieces = [
            ##"{"type":"object"}"##, ##"{"type":["string","null"],"minLength":2}"##, ##"{"$ref":"#"}"##, "true",
            "false",
            ##"{"enum":[1,"a",null]}"##, ##"{"pattern":"^a|b$"}"##, ##"{"required":["a"]}"##, ##"{"const":{"a":1}}"##,
            "1", "[]", "null",
            ##"{"$ref":"#/$defs/x"}"##, ##"{"minimum":1,"multipleOf":2}"##, ##"{"uniqueItems":true}"##,
            ##"{"$dynamicRef":"#m"}"##,
        ]
        let keywords = [
            "properties", "items", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "contains",
            "additionalProperties",
            "unevaluatedProperties", "unevaluatedItems", "$defs", "prefixItems", "propertyNames", "dependentSchemas",
            "type", "enum",
            "patternProperties", "$id", "$anchor", "required", "minLength",
        ]
        let values = try [
            "null", "1", "2.0", #""a""#, "[]", "[1,1.0]", "{}", #"{"a":1}"#, #"{"a":{"a":[1,"b",null]},"b":2}"#,
            #"[{"a":1},[[]]]"#,
        ].map { try JSONValue(parsing: $0) }
        var random = SplitMix(state: 99)
        var compiled = 0
        for _ in 0..<2000 {
            let text = Self.schema(&random, 3, keywords, pieces)
            guard let source = try? JSONValue(parsing: text) else { continue }
            for options in [SchemaCompiler.Options.flow, .specification] {
                guard let schema = try? SchemaCompiler(options).compile(source) else { continue }
                compiled += 1
                for value in values {
                    let isValid = schema.isValid(value)
                    if schema.validate(value).isEmpty != isValid { Issue.record("\(text) disagrees on \(value)") }
                    _ = schema.annotations(named: ["title"], of: value, evenInvalid: true)
                }
            }
        }
        #expect(compiled > 500)
    }

    private static func schema(_ random: inout SplitMix, _ depth: Int, _ keywords: [String], _ pieces: [String])
        -> String
    {
        if depth == 0 || random.below(4) == 0 { return pieces[random.below(pieces.count)] }
        var members: [String] = []
        for _ in 0..<(1 + random.below(3)) {
            let keyword = keywords[random.below(keywords.count)]
            let value =
                switch keyword {
                case "properties", "$defs", "dependentSchemas", "patternProperties":
                    #"{"a":"# + schema(&random, depth - 1, keywords, pieces) + #","x":"#
                        + schema(&random, depth - 1, keywords, pieces) + "}"
                case "allOf", "anyOf", "oneOf", "prefixItems":
                    "[" + schema(&random, depth - 1, keywords, pieces) + ","
                        + schema(&random, depth - 1, keywords, pieces) + "]"
                case "type": #""object""#
                case "enum": #"[1,"a"]"#
                case "required": #"["a"]"#
                case "minLength": "1"
                case "$id", "$anchor": #""u\#(random.below(5))""#
                default: schema(&random, depth - 1, keywords, pieces)
                }
            members.append("\"\(keyword)\":\(value)")
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}
