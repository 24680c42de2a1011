import JSON
import Testing

@Suite struct JSONValueTests {
    @Test("objects are equal whatever their order, arrays only in the same order")
    func equality() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"b":[2.0]}"#) == JSONValue(parsing: #"{"b":[2],"a":1.0}"#))
        #expect(try JSONValue(parsing: "[1,2]") != JSONValue(parsing: "[2,1]"))
        #expect(Set([["a": 1, "b": 2], ["b": 2, "a": 1]] as [JSONValue]).count == 1)
    }

    @Test("strings that only look the same differ")
    func normalForms() {
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        let object = JSONObject([("\u{E9}", 1), ("e\u{301}", 2)])
        #expect(object.count == 2)
    }

    @Test("members keep their order and are found by name, few or many", arguments: [3, 8, 9, 1000])
    func members(count: Int) {
        var object = JSONObject((0..<count).map { ("k\($0)", JSONValue.int($0)) })
        #expect(object.keys == (0..<count).map { "k\($0)" })
        #expect(object["k\(count - 1)"] == .int(count - 1))
        #expect(object["x"] == nil)
        object["k0"] = "new"
        object["k1"] = nil
        #expect(object.count == count - 1)
        #expect(object["k0"] == "new" && object["k2"] == 2 && object["k1"] == nil)
        #expect(object.members.first?.value == "new")
    }

    @Test("type names are JSON Schema's")
    func typeNames() throws {
        let values = try JSONValue(parsing: #"[null, true, 1, 1.0, 1.5, "", [], {}]"#)
        #expect(
            values.arrayValue?.map(\.typeName) == [
                "null", "boolean", "integer", "integer", "number", "string", "array", "object",
            ])
    }
}
