import JSON
import JSONSchema
import Testing

@testable import Catalog

@Suite("reductions")
struct ReductionTests {
    /// Reduces documents one into the next; nil where two of them stay apart.
    private func reduce(_ schema: String, _ documents: [String], isFull: Bool = false) throws -> String? {
        let compiled = try SchemaCompiler(.flow).compile(try JSONValue(parsing: Array(schema.utf8)))
        let reducer = Reducer(compiled, isFull: isFull)
        let values = try documents.map { try JSONValue(parsing: Array($0.utf8)) }
        for value in values { try #require(compiled.validate(value).isEmpty) }
        var left = values[0]
        for right in values.dropFirst() {
            guard case .reduced(let value, _) = try reducer.reduce(left, right) else { return nil }
            left = value
        }
        return left.description
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let documents: [String]
        let result: String
        var testDescription: String { documents.joined(separator: " + ") + " = " + result }

        init(_ schema: String, _ documents: [String], _ result: String) {
            (self.schema, self.documents, self.result) = (schema, documents, result)
        }
    }

    private static let sums =
        #"{"type":"array","items":{"type":"number","reduce":{"strategy":"sum"}},"reduce":{"strategy":"merge"}}"#
    private static let byKey = """
        {"items":{"properties":{"n":{"reduce":{"strategy":"sum"}}},"reduce":{"strategy":"merge"}},
         "reduce":{"strategy":"merge","key":["/k"]}}
        """

    @Test(
        "each strategy reduces as it says",
        arguments: [
            Case("{}", ["1", #"{"a":1}"#], #"{"a":1}"#),
            Case(#"{"reduce":{"strategy":"firstWriteWins"}}"#, ["1", "2", "3"], "1"),
            Case(#"{"reduce":{"strategy":"lastWriteWins"}}"#, ["1", "2", "3"], "3"),
            Case(#"{"reduce":{"strategy":"append"}}"#, ["[1]", "[2,3]", "[]"], "[1,2,3]"),
            Case(#"{"reduce":{"strategy":"append"}}"#, ["null", "[1]"], "null"),
            Case(#"{"reduce":{"strategy":"merge"}}"#, [#"{"a":1,"b":2}"#, #"{"c":3,"a":4}"#], #"{"a":4,"b":2,"c":3}"#),
            Case(#"{"reduce":{"strategy":"merge"}}"#, ["null", #"{"a":1}"#], "null"),
            Case(sums, ["[1,1]", "[2,2,2]"], "[3,3,2]"),
            Case(sums, ["[0.1]", "[0.2]"], "[0.3]"),
            Case(
                byKey, [#"[{"k":1,"n":1},{"k":3,"n":1}]"#, #"[{"k":2,"n":5},{"k":3,"n":1}]"#],
                #"[{"k":1,"n":1},{"k":2,"n":5},{"k":3,"n":2}]"#),
            Case(#"{"reduce":{"strategy":"merge","key":[""]}}"#, [#"["a","c"]"#, #"["b","c"]"#], #"["a","b","c"]"#),
            Case(#"{"reduce":{"strategy":"minimize"}}"#, ["3", "2", "9"], "2"),
            Case(#"{"reduce":{"strategy":"maximize"}}"#, [#""a""#, "9", "null"], #""a""#),
            Case(
                #"{"reduce":{"strategy":"maximize","key":["/s"]},"properties":{"n":{"reduce":{"strategy":"sum"}}}}"#,
                [#"{"s":1,"n":1}"#, #"{"s":2,"n":1}"#, #"{"s":2,"n":3}"#, #"{"n":9}"#], #"{"s":2,"n":4}"#),
            Case(#"{"reduce":{"strategy":"sum"}}"#, ["9007199254740993", "1"], "9007199254740994"),
            Case(#"{"reduce":{"strategy":"sum"}}"#, [#""1.10""#, #""+02.2""#], #""3.30""#),
            Case(#"{"reduce":{"strategy":"sum"}}"#, [#""5""#, "1"], #""6""#),
            Case(
                #"{"reduce":{"strategy":"jsonSchemaMerge"}}"#,
                [
                    #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}"#,
                    #"{"type":"object","properties":{"a":{"type":"string"},"b":true},"required":["a","b"],"additionalProperties":false}"#,
                ],
                #"{"type":"object","properties":{"a":{"type":["integer","string"]},"b":{}},"required":["a"],"additionalProperties":false}"#
            ),
        ])
    func strategies(example: Case) throws {
        #expect(try reduce(example.schema, example.documents) == example.result)
    }

    private static let set = """
        {"type":"object","reduce":{"strategy":"set"},
         "additionalProperties":{"additionalProperties":{"reduce":{"strategy":"sum"}},"reduce":{"strategy":"merge"}}}
        """
    private static let arraySet = """
        {"type":"object","reduce":{"strategy":"set","key":["/0"]},
         "additionalProperties":{"items":{"prefixItems":[true,{"reduce":{"strategy":"sum"}}],"reduce":{"strategy":"merge"}},
                                 "reduce":{"strategy":"merge"}}}
        """

    @Test(
        "a set adds, removes and intersects, and remembers what it removed until all is known",
        arguments: [
            (set, [#"{"add":{"a":1}}"#, #"{"add":{"a":2,"b":1}}"#], #"{"add":{"a":3,"b":1}}"#),
            (
                set, [#"{"add":{"a":1,"b":1}}"#, #"{"remove":{"a":0},"add":{"c":1}}"#],
                #"{"add":{"b":1,"c":1},"remove":{"a":0}}"#
            ),
            (
                set, [#"{"add":{"a":1,"b":1}}"#, #"{"intersect":{"b":0},"add":{"b":1}}"#],
                #"{"add":{"b":2},"intersect":{"b":0}}"#
            ),
            (
                set, [#"{"intersect":{"a":0,"b":0}}"#, #"{"intersect":{"b":0,"c":0}}"#], #"{"intersect":{"b":0}}"#
            ),
            (
                set, [#"{"intersect":{"a":0,"b":0},"add":{"a":1}}"#, #"{"remove":{"a":0}}"#],
                #"{"add":{},"intersect":{"b":0}}"#
            ),
            (set, [#"{"remove":{"a":0}}"#, #"{"intersect":{"a":0,"b":0}}"#], #"{"intersect":{"b":0}}"#),
            (
                arraySet, [#"{"add":[[55,1],[99,1]]}"#, #"{"remove":[[99]],"add":[[22,1],[55,1]]}"#],
                #"{"add":[[22,1],[55,2]],"remove":[[99]]}"#
            ),
        ])
    func sets(schema: String, documents: [String], result: String) throws {
        #expect(try reduce(schema, documents) == result)
        let full = try #require(try reduce(schema, documents, isFull: true))
        #expect(!full.contains("remove") && !full.contains("intersect"))
    }

    @Test(
        "values of types that a strategy doesn't take are a failure that tells no values",
        arguments: [
            ("append", "1", "[2]"), ("merge", "1", "{}"), ("merge", "[]", "{}"), ("sum", "true", "1"),
            ("sum", #""NaN""#, "1"), ("set", "[]", "{}"), ("set", #"{"add":[]}"#, #"{"add":{}}"#),
            ("set", #"{"intersect":[],"remove":[]}"#, "{}"), ("jsonSchemaMerge", "{}", "1"),
            ("jsonSchemaMerge", "{}", #"{"type":"objekt"}"#),
        ])
    func failures(strategy: String, left: String, right: String) throws {
        #expect(throws: Reducer.Failure.self) {
            _ = try reduce("{\"reduce\":{\"strategy\":\"\(strategy)\"}}", [left, right])
        }
    }

    @Test("what is not associative stays apart until all is known")
    func associative() throws {
        let schema =
            #"{"reduce":{"strategy":"merge"},"properties":{"a":{"reduce":{"strategy":"lastWriteWins","associative":false}}}}"#
        #expect(try reduce(schema, [#"{"a":1}"#, #"{"a":2}"#]) == nil)
        #expect(try reduce(schema, [#"{"a":1}"#, #"{"b":2}"#]) == #"{"a":1,"b":2}"#)
        #expect(try reduce(schema, [#"{"a":1}"#, #"{"a":2}"#], isFull: true) == #"{"a":2}"#)
    }

    @Test("a deleted member goes when all is known, and a deleted document says so")
    func deletion() throws {
        let schema = """
            {"reduce":{"strategy":"merge"},
             "properties":{"a":{"if":{"const":0},"then":{"reduce":{"strategy":"lastWriteWins","delete":true}},
                                "else":{"reduce":{"strategy":"sum"}}}}}
            """
        #expect(try reduce(schema, [#"{"a":1,"b":1}"#, #"{"a":2}"#]) == #"{"a":3,"b":1}"#)
        #expect(try reduce(schema, [#"{"a":1,"b":1}"#, #"{"a":0}"#]) == #"{"a":0,"b":1}"#)
        #expect(try reduce(schema, [#"{"a":1,"b":1}"#, #"{"a":0}"#], isFull: true) == #"{"b":1}"#)
        let reducer = Reducer(try #require(SchemaModel.table).compiled)
        let deleted = try reducer.reduce(["id": 1, "name": "a"], ["id": 1, "_meta": ["op": "d"]])
        guard case .reduced(let value, true) = deleted else {
            Issue.record("not deleted")
            return
        }
        #expect(value == ["id": 1, "name": "a", "_meta": ["op": "d"]])
    }

    @Test("the annotation of a schema counts before those of what it refers to")
    func precedence() throws {
        let schema = """
            {"$defs":{"least":{"reduce":{"strategy":"minimize"}}},"reduce":{"strategy":"merge"},
             "properties":{"min":{"$ref":"#/$defs/least"},"max":{"$ref":"#/$defs/least","reduce":{"strategy":"maximize"}}}}
            """
        #expect(try reduce(schema, [#"{"min":1,"max":1}"#, #"{"min":2,"max":2}"#]) == #"{"min":1,"max":2}"#)
    }

    @Test("null, booleans, numbers, strings, arrays and objects come in this order")
    func order() throws {
        let ordered: [JSONValue] = [
            .null, false, true, -1, 0, 10, "", "10", "9", "Z", "é", [], [0], [0, 1], [1], [:], ["a": 1],
            ["a": 1, "b": 0], ["a": 2], ["b": 0],
        ]
        for (index, value) in ordered.enumerated() {
            #expect(DocumentOrder.compare(value, value) == .equal)
            for other in ordered[(index + 1)...] {
                #expect(DocumentOrder.compare(value, other) == .ascending, "\(value) \(other)")
                #expect(DocumentOrder.compare(other, value) == .descending)
            }
        }
        #expect(DocumentOrder.compare(["b": 1, "a": 2], ["a": 2, "b": 1]) == .equal)
        #expect(DocumentOrder.compare(JSONValue?.none, JSONValue?.some(.null)) == .ascending)
    }
}
