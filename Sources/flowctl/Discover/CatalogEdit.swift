import Diagnostics
import JSON
import YAML

/// Inserts text into a catalog file at the places that its parsed nodes name; everything else stays byte by byte.
struct CatalogEdit {
    private struct Insertion {
        /// Bytes that are replaced.
        var range: Range<Int>
        var text: String
    }

    private let file: SourceFile
    private let root: Node?
    private var insertions: [Insertion] = []

    /// Why a file can't be edited: a sentence.
    struct Fault: Error {
        var message: String
    }

    init(_ document: Document) {
        file = document.file
        root = document.root.flatMap { $0.isNull ? nil : $0 }
    }

    /// The file's value; nil where it has none.
    var isBlank: Bool { root == nil }

    /// Adds items to the sequence that a member of a task holds.
    mutating func append(
        to section: String, _ task: String, lines: [String], values: [JSONObject]
    ) throws(Fault) {
        let place = "\(section) '\(task)'"
        guard let member = root?[section]?[task]?.member("bindings") else {
            throw Fault(message: "the bindings of \(place) are not in this file")
        }
        let sequence = member.value
        try requireOwn(sequence, place)
        guard let items = sequence.items else { throw Fault(message: "the bindings of \(place) are no list") }
        guard isFlow(sequence) else {
            return insertLines(lines, after: items.last, end: sequence, column: indentation(of: items.last ?? sequence))
        }
        if items.isEmpty, ![root, root?[section], root?[section]?[task]].contains(where: isFlow) {
            let column = file.position(at: member.keyRange.offsets.lowerBound).column - 1
            return replaceEmpty(sequence, with: block(lines, column + 2))
        }
        insertFlow(values.map { JSONWriter.write(.object($0), .spaced) }, after: items.last, in: sequence)
    }

    /// Adds members to a mapping at the root, which is made where it is missing.
    mutating func add(to section: String, lines: [String], values: [(String, JSONValue)]) throws(Fault) {
        guard let root else { throw Fault(message: "the file holds nothing") }
        guard let mapping = root[section], !mapping.isNull else {
            if root.member(section) != nil { throw Fault(message: "\(section) is empty: remove the key") }
            let value = JSONWriter.write(.object(JSONObject(values)), .spaced)
            if isFlow(root) {
                insertFlow(
                    ["\(JSONWriter.quoted(section)): \(value)"], after: root.members?.last?.value, in: root)
            } else {
                insertLines(
                    ["\(section):"] + CatalogText.indent(lines), after: root.members?.last?.value, end: root, column: 0)
            }
            return
        }
        try requireOwn(mapping, section)
        let members = mapping.members ?? []
        guard isFlow(mapping) else {
            let column = members.first.map { file.position(at: $0.keyRange.offsets.lowerBound).column - 1 } ?? 2
            return insertLines(lines, after: members.last?.value, end: mapping, column: column)
        }
        if members.isEmpty, !isFlow(root) {
            return replaceEmpty(mapping, with: block(lines, 2))
        }
        let texts = values.map { "\(JSONWriter.quoted($0.0)): \(JSONWriter.write($0.1, .spaced))" }
        insertFlow(texts, after: members.last?.value, in: mapping)
    }

    /// The file with everything in its place.
    func result() -> [UInt8] {
        var bytes = file.bytes
        let isDOS = file.bytes.indices.contains { file.bytes[$0] == 0x0D && file.bytes.dropFirst($0 + 1).first == 0x0A }
        for (_, insertion) in insertions.enumerated().sorted(by: {
            ($0.element.range.lowerBound, $0.offset) > ($1.element.range.lowerBound, $1.offset)
        }) {
            var text = Array(insertion.text.utf8)
            if isDOS { text = text.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] } }
            bytes.replaceSubrange(insertion.range, with: text)
        }
        return bytes
    }

    // MARK: - Places

    private func requireOwn(_ node: Node, _ place: String) throws(Fault) {
        guard node.file === file, node.usedAt == nil else {
            throw Fault(message: "\(place) comes from an alias or another file and can't be edited where it is used")
        }
    }

    private func isFlow(_ node: Node?) -> Bool {
        guard let start = node?.range.offsets.lowerBound, file.bytes.indices.contains(start) else { return false }
        return file.bytes[start] == UInt8(ascii: "[") || file.bytes[start] == UInt8(ascii: "{")
    }

    /// The column that the line of a node's start begins at, without the dash of a list.
    private func indentation(of node: Node) -> Int {
        let line = file.position(at: node.range.offsets.lowerBound).line
        let range = file.byteRange(ofLine: line)
        return file.bytes[range].prefix { $0 == 0x20 }.count
    }

    /// After the line that a node ends on; `end` is what is closed there where the list has nothing yet.
    private mutating func insertLines(_ lines: [String], after last: Node?, end: Node, column: Int) {
        let offset = (last ?? end).range.offsets.upperBound
        var place = offset
        let isLineStart = offset > 0 && offset <= file.bytes.count && file.bytes[offset - 1] == 0x0A
        if !isLineStart {
            while place < file.bytes.count, file.bytes[place] != 0x0A { place += 1 }
            if place < file.bytes.count { place += 1 }
        }
        let isAtEnd = place == file.bytes.count && file.bytes.last != 0x0A
        let text = block(lines, column)
        insertions.append(Insertion(range: place..<place, text: isAtEnd ? "\n" + text : text + "\n"))
    }

    /// `[]` or `{}` and the space before it give way to lines of their own.
    private mutating func replaceEmpty(_ node: Node, with text: String) {
        var range = node.range.offsets
        while range.lowerBound > 0, file.bytes[range.lowerBound - 1] == 0x20 {
            range = range.lowerBound - 1..<range.upperBound
        }
        insertions.append(Insertion(range: range, text: "\n" + text))
    }

    private func block(_ lines: [String], _ column: Int) -> String {
        CatalogText.indent(lines, by: column).joined(separator: "\n")
    }

    /// Behind the last of what is between brackets, each on a line of its own where the last one is.
    private mutating func insertFlow(_ texts: [String], after last: Node?, in parent: Node) {
        guard let last else {
            let place = parent.range.offsets.lowerBound + 1
            insertions.append(Insertion(range: place..<place, text: texts.joined(separator: ", ")))
            return
        }
        let position = file.position(at: last.range.offsets.lowerBound)
        let first = file.position(at: parent.range.offsets.lowerBound)
        let separator =
            position.line > first.line ? ",\n" + String(repeating: " ", count: indentation(of: last)) : ", "
        let place = last.range.offsets.upperBound
        insertions.append(Insertion(range: place..<place, text: texts.map { separator + $0 }.joined()))
    }
}
