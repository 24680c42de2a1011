import Foundation
import JSON
import JSONSchema
import Testing

@testable import Catalog

@Suite("what a schema says of a location")
struct ShapeTests {
    private static let schema = """
        {
          "type": "object",
          "required": ["parent", "id"],
          "properties": {
            "id": { "type": "integer" },
            "parent": {
              "type": "object", "required": ["must"],
              "properties": {
                "must": { "const": "a" }, "may": { "enum": [1, 2.5] },
                "impossible": { "allOf": [{ "type": "integer" }, { "type": "string" }] }
              }
            },
            "either": { "type": ["object", "array"], "required": ["a"], "properties": { "a": { "type": "null" } } },
            "list": { "type": "array", "minItems": 1, "maxItems": 4, "prefixItems": [{ "type": "boolean" }],
                      "items": { "type": "string" } },
            "open": { "prefixItems": [{ "type": "boolean" }] },
            "branch": { "if": { "const": 1 }, "then": { "type": "integer" }, "else": { "type": "string" } },
            "any": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            "objects": { "oneOf": [
                { "type": "object", "required": ["x"], "properties": { "x": { "type": "integer" }, "y": {} } },
                { "type": "object", "required": ["x"], "properties": { "x": { "type": "string" } } },
                { "type": "string" } ] },
            "again": { "$ref": "#" }
          },
          "patternProperties": { "^n[0-9]$": { "type": "number" } },
          "additionalProperties": { "type": "string" }
        }
        """

    private static let shape = try? ShapeInference.infer(
        SchemaCompiler(.flow).compile(try JSONValue(parsing: Array(schema.utf8)))
    ).shape

    @Test(
        "a pointer's types, and whether it must be there, follow from the schema",
        arguments: [
            ("", "object", Existence.must), ("/id", "integer", .must), ("/parent/must", "string", .must),
            ("/parent/may", "number", .may), ("/parent/impossible", "", .cannot), ("/parent/none", "*", .implicit),
            ("/id/below", "", .cannot), ("/either/a", "null", .may), ("/either/0", "*", .implicit),
            ("/list/0", "boolean", .may), ("/list/1", "string", .may), ("/list/4", "string", .cannot),
            ("/list/name", "", .cannot), ("/open/0", "boolean", .may), ("/open/1", "*", .implicit),
            ("/branch", "string integer", .may), ("/any", "integer null", .may), ("/objects/x", "string integer", .may),
            ("/objects/y", "*", .implicit), ("/n1", "number", .may), ("/other", "string", .may),
            ("/again/id", "*", .implicit),
        ])
    func locations(pointer: String, types: String, existence: Existence) throws {
        let found = try #require(Self.shape).locate(try #require(JSONPointer(parsing: pointer)))
        let names = found.shape.types == .all ? "*" : found.shape.types.names.joined(separator: " ")
        #expect(names == types)
        #expect(found.existence == existence)
    }

    @Test(
        "branches and members that multiply are not followed to the end",
        arguments: [
            #"{"anyOf":[NEXT,{"properties":{"a":NEXT,"b":NEXT}}]}"#,
            #"{"allOf":[NEXT,{"properties":{"a":NEXT,"b":NEXT}}]}"#,
            #"{"properties":{"a":NEXT,"b":NEXT}}"#, #"{"allOf":[NEXT,NEXT],"properties":{"LEVEL":{"type":"integer"}}}"#,
            #"{"items":NEXT,"prefixItems":[NEXT,NEXT],"oneOf":[NEXT,NEXT]}"#,
        ])
    func bounded(form: String) throws {
        let definitions = (0..<40).map { level in
            let next = level == 39 ? #"{"type":"integer"}"# : ##"{"$ref":"#/$defs/d\##(level + 1)"}"##
            return "\"d\(level)\":"
                + form.replacingOccurrences(of: "NEXT", with: next).replacingOccurrences(of: "LEVEL", with: "p\(level)")
        }
        let text = "{\"$defs\":{\(definitions.joined(separator: ","))},\"$ref\":\"#/$defs/d0\"}"
        let compiled = try SchemaCompiler(.flow).compile(try JSONValue(parsing: Array(text.utf8)))
        let taken = ContinuousClock().measure {
            let (shape, _, _) = ShapeInference.infer(compiled)
            _ = ShapeInspection.faults(of: shape)
            _ = shape.locations()
        }
        #expect(taken < .seconds(60))
    }
}
