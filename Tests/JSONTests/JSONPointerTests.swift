import JSON
import Testing

@Suite struct JSONPointerTests {
    private let document = try? JSONValue(
        parsing: #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8,"01":{"0":"zero"}}"#)

    @Test(
        "the pointers of RFC 6901 find what it says",
        arguments: [
            ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/m~0n", 8), ("/01/0", "zero"),
        ] as [(String, JSONValue)])
    func find(text: String, expected: JSONValue) throws {
        let pointer = try #require(JSONPointer(parsing: text))
        #expect(pointer.find(in: try #require(document)) == expected)
        #expect(pointer.description == text)
    }

    @Test(
        "a pointer to what is not there finds nothing",
        arguments: ["/foo/2", "/foo/00", "/foo/-", "/foo/-1", "/x", "/a~1b/c", "/foo/99999999999999999999"])
    func absent(text: String) throws {
        #expect(try #require(JSONPointer(parsing: text)).find(in: try #require(document)) == nil)
    }

    @Test("text that is no pointer is refused", arguments: ["foo", "/~", "/~2", "/a~", "#/a"])
    func invalid(text: String) {
        #expect(JSONPointer(parsing: text) == nil)
    }

    @Test("pointers are built from unescaped names")
    func build() {
        let pointer = JSONPointer.root.appending("a/b").appending(3).appending("~")
        #expect(pointer.description == "/a~1b/3/~0")
        #expect(pointer.parent?.description == "/a~1b/3")
        #expect(pointer.starts(with: JSONPointer(["a/b"])) && !pointer.starts(with: JSONPointer(["b"])))
        #expect(JSONPointer.root.description.isEmpty && JSONPointer.root.parent == nil)
    }
}
