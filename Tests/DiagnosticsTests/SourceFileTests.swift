import Diagnostics
import Testing

@Suite struct SourceFileTests {
    @Test("a line ends at a line feed, a carriage return, or both together")
    func lineBreaks() {
        let file = SourceFile(path: "a", text: "one\r\ntwo\rthree\nfour")
        #expect(file.lineCount == 4)
        #expect((1...4).map { file.text(file.byteRange(ofLine: $0)) } == ["one", "two", "three", "four"])
        #expect(file.position(at: 5) == SourcePosition(line: 2, column: 1, offset: 5))
        #expect(file.byteRange(ofLine: 5).isEmpty)
    }

    @Test("columns count Unicode scalars, not bytes")
    func columns() {
        let file = SourceFile(path: "a", text: "aé漢🙂z")
        let columns = [0, 1, 3, 6, 10].map { file.position(at: $0).column }
        #expect(columns == [1, 2, 3, 4, 5])
    }

    @Test("a position in a line of a megabyte is found as in a short one", arguments: [0, 1023, 1024, 5000, 999_999])
    func longLine(place: Int) {
        let file = SourceFile(path: "a", text: "first\n" + String(repeating: "é", count: 1_000_000))
        let position = file.position(at: 6 + 2 * place)
        #expect(position == SourcePosition(line: 2, column: place + 1, offset: 6 + 2 * place))
        #expect(file.offset(line: 2, column: place + 1) == 6 + 2 * place)
    }

    @Test("every offset maps to a line and column that map back to it")
    func roundTrip() {
        let file = SourceFile(path: "a", text: "x: é\r\n\n  漢: 1\rz")
        var offset = 0
        for scalar in file.text(0..<file.bytes.count).unicodeScalars {
            let position = file.position(at: offset)
            if scalar != "\n" && scalar != "\r" {
                #expect(file.offset(line: position.line, column: position.column) == offset)
            }
            offset += String(scalar).utf8.count
        }
    }

    @Test("bytes that are not UTF-8 and offsets outside the file do no harm")
    func hostile() {
        let file = SourceFile(path: "a", bytes: [0xFF, 0x80, 0x80, 0x0A, 0xC3])
        #expect(file.position(at: 99).line == 2)
        #expect(file.position(at: -5) == SourcePosition(line: 1, column: 1, offset: 0))
        #expect(file.range(3, 99).offsets == 3..<5)
    }

    @Test("an empty file has one empty line")
    func empty() {
        let file = SourceFile(path: "a", text: "")
        #expect(file.lineCount == 1)
        #expect(file.range(0, 0).description == "a:1:1")
    }
}
