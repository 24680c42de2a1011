import JSON
import JSONSchema
import Testing

@Suite struct SchemaCompilerTests {
    private func faults(_ schema: String, _ options: SchemaCompiler.Options = .flow) throws -> [SchemaFault] {
        let value = try JSONValue(parsing: schema)
        do throws(SchemaFaults) {
            _ = try SchemaCompiler(options).compile(value)
            return []
        } catch {
            return error.faults
        }
    }

    @Test("an unknown keyword is a mistake that brings the known ones along")
    func unknownKeyword() throws {
        let found = try faults(##"{"properties":{"a":{"requred":["b"]}},"x-own":1}"##)
        #expect(found.map(\.description) == ["unknown keyword 'requred' at schema:#/properties/a/requred"])
        #expect(found.first?.isAboutKey == true && found.first?.subject == "requred")
        #expect(found.first?.candidates.contains("required") == true)
        #expect(try faults(##"{"requred":["b"]}"##, .specification).isEmpty)
    }

    @Test(
        "a keyword with a wrong value is a mistake at its place",
        arguments: [
            (##"{"type":"strin"}"##, "unknown type 'strin' at schema:#/type"),
            (##"{"type":1}"##, "'type' must be a type's name or a list of them, found an integer at schema:#/type"),
            (##"{"required":"a"}"##, "'required' must list strings, found a string at schema:#/required"),
            (
                ##"{"minLength":-1}"##,
                "'minLength' must be a whole number from 0 up, found an integer at schema:#/minLength"
            ),
            (##"{"minimum":"1"}"##, "'minimum' must be a number, found a string at schema:#/minimum"),
            (##"{"multipleOf":0}"##, "'multipleOf' must be above 0 at schema:#/multipleOf"),
            (
                ##"{"uniqueItems":"yes"}"##,
                "'uniqueItems' must be true or false, found a string at schema:#/uniqueItems"
            ),
            (
                ##"{"properties":[]}"##,
                "'properties' must be an object of schemas, found an array at schema:#/properties"
            ),
            (##"{"allOf":{}}"##, "'allOf' must be an array of schemas, found an object at schema:#/allOf"),
            (##"{"items":1}"##, "a schema must be an object, true or false, found an integer at schema:#/items"),
            (##"{"enum":1}"##, "'enum' must be an array, found an integer at schema:#/enum"),
            (
                ##"{"pattern":"a("}"##,
                "'a(' is no regular expression: the group that starts here has no ')' at character 2 at schema:#/pattern"
            ),
            (##"{"$ref":"#/$defs/x"}"##, "'#/$defs/x' leads to nothing: '/$defs/x' is not there at schema:#/$ref"),
            (##"{"$ref":"#x"}"##, "'#x' leads to nothing: 'x' is not there at schema:#/$ref"),
            (
                ##"{"$ref":"http://a.b/c"}"##,
                "'http://a.b/c' leads to 'http://a.b/c', which is no known schema at schema:#/$ref"
            ),
            (##"{"$ref":"#"}"##, "the schema refers to itself without end at schema:#/$ref"),
            (##"{"$ref":1}"##, "'$ref' must be a string, found an integer at schema:#/$ref"),
            (##"{"$id":"a#b"}"##, "an '$id' can't have a fragment; use '$anchor' at schema:#/$id"),
            (
                ##"{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}"##,
                "another schema of this resource has the anchor 'x' already at schema:#/$defs/b/$anchor"
            ),
            (
                ##"{"$defs":{"a":{"$id":"x:y"},"b":{"$id":"x:y"}}}"##,
                "another schema has the id 'x:y' already at schema:#/$defs/b/$id"
            ),
            (
                ##"{"contentEncoding":"base32"}"##,
                "'contentEncoding' can only be \"base64\" at schema:#/contentEncoding"
            ),
        ])
    func wrongValue(schema: String, message: String) throws {
        #expect(try faults(schema).map(\.description) == [message])
    }

    @Test("a loop through combinations is found, one through members is none")
    func loops() throws {
        #expect(
            try faults(
                ##"{"$defs":{"a":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/b"}]},"b":{"allOf":[{"$ref":"#/$defs/a"}]}}}"##
            ).count == 1)
        #expect(try faults(##"{"properties":{"a":{"$ref":"#"}},"items":{"$ref":"#"}}"##).isEmpty)
    }

    @Test("all mistakes of a schema are found at once")
    func allFaults() throws {
        #expect(try faults(##"{"type":"x","properties":{"a":{"typ":1},"b":{"minimum":"z"}}}"##).count == 3)
    }

    @Test("documents refer to each other by URI, and only documents in memory are read")
    func documents() throws {
        var compiler = SchemaCompiler(.flow)
        compiler.add(
            ["$id": "https://x.y/dir/port.json", "type": "integer", "$defs": ["p": ["$anchor": "a", "const": 3]]],
            uri: "port")
        let schema = try compiler.compile(
            [
                "$id": "https://x.y/dir/main.json",
                "properties": ["a": ["$ref": "port.json"], "b": ["$ref": "port.json#a"]],
            ],
            uri: "file:///main")
        #expect(schema.isValid(["a": 1, "b": 3]))
        #expect(schema.validate(["a": "x", "b": 4]).map(\.schema) == ["port#/type", "port#/$defs/p/const"])
        let part = try compiler.compile(reference: "https://x.y/dir/port.json#/$defs/p")
        #expect(part.isValid(3) && !part.isValid(4))
        #expect(throws: SchemaFaults.self) { try compiler.compile(reference: "nothing") }
    }

    @Test("Flow's way to relax a schema through $defs with ids works")
    func flowReferences() throws {
        let schema = try SchemaCompiler(.flow).compile(
            JSONValue(
                parsing: #"""
                    {"$defs":{"flow://inferred-schema":{"$id":"flow://inferred-schema","type":"object","required":["a"]},
                     "flow://write-schema":{"$id":"flow://write-schema","properties":{"a":{"type":"integer"}}}},
                     "allOf":[{"$ref":"flow://inferred-schema"},{"$ref":"flow://write-schema"}]}
                    """#))
        #expect(schema.isValid(["a": 1]) && !schema.isValid(["a": "1"]) && !schema.isValid([:]))
    }

    @Test("the forms of older drafts that catalogs use are understood")
    func olderForms() throws {
        let schema = try SchemaCompiler(.flow).compile(
            JSONValue(
                parsing: #"""
                    {"definitions":{"s":{"type":"string"}},"items":[{"$ref":"#/definitions/s"},{"type":"integer"}],
                     "additionalItems":{"type":"null"},"dependencies":{"a":["b"],"c":{"required":["d"]}}}
                    """#))
        #expect(schema.isValid(["x", 1, nil]) && !schema.isValid(["x", 1, 2]) && !schema.isValid([1]))
        #expect(schema.isValid(["a": 1, "b": 2]) && !schema.isValid(["a": 1]) && !schema.isValid(["c": 1]))
        let recursive = try SchemaCompiler(.specification).compile(
            ["$recursiveAnchor": true, "properties": ["a": ["$recursiveRef": "#"]], "type": "object"])
        #expect(recursive.isValid(["a": ["a": [:]]]) && !recursive.isValid(["a": ["a": 1]]))
    }

    @Test("the compiled schema can be walked by its nodes")
    func walk() throws {
        let schema = try SchemaCompiler(.flow).compile(
            [
                "type": "object", "required": ["a"], "properties": ["a": ["$ref": "#/$defs/p"]],
                "$defs": ["p": ["type": ["string", "null"], "title": "P"]],
            ])
        let root = schema.rootNode
        #expect(root.types == .object && root.required == ["a"] && root.properties.map(\.name) == ["a"])
        let property = schema.nodes[try #require(root.property("a"))]
        let target = schema.nodes[try #require(property.reference)]
        #expect(target.types == [.string, .null] && target.annotations["title"] == "P")
        #expect(target.pointer.description == "/$defs/p")
        #expect(root.property("b") == nil)
    }
}
