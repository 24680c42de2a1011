import Diagnostics
import JSON

/// Parses JSON text (RFC 8259) into located nodes, the same as YAML gives.
public enum JSONDocumentParser {
    /// Parses a file. Faults go to the collector; of a duplicate key the first value is kept.
    public static func parse(
        _ file: SourceFile, _ diagnostics: inout DiagnosticCollector, limits: DocumentLimits = .standard
    ) -> Document {
        let start = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if file.bytes[start...].allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
            return Document(file: file, root: nil, isComplete: true)
        }
        var builder = NodeBuilder(file: file)
        var syntaxError: JSONSyntaxError?
        var root: RawNode?
        do throws(JSONSyntaxError) {
            root = try JSONParser.parse(
                file.bytes, with: &builder, depthLimit: limits.depth, valueLimit: limits.nodes)
        } catch {
            syntaxError = error
        }
        diagnostics.report(builder.faults.map { withPointer($0, root) })
        if let syntaxError { diagnostics.report(diagnostic(syntaxError, file)) }
        return Document(
            file: file, root: root.map { Node($0, file: file, path: nil, usedAt: nil) }, isComplete: root != nil)
    }

    private static func diagnostic(_ error: JSONSyntaxError, _ file: SourceFile) -> Diagnostic {
        let code: DiagnosticCode =
            switch error.kind {
            case .encoding: .encoding
            case .depth: .tooDeep
            case .size: .tooManyNodes
            case .grammar: .jsonSyntax
            }
        return .error(
            code, error.message, at: file.range(error.offset, error.offset + error.length),
            isSecret: error.kind == .encoding)
    }

    /// A fault of a key with the key's pointer, which is known only once the whole tree is.
    private static func withPointer(_ fault: Diagnostic, _ root: RawNode?) -> Diagnostic {
        guard let root, let range = fault.range else { return fault }
        var fault = fault
        let place = UInt32(clamping: range.offsets.lowerBound)
        fault.pointer = pointer(to: place, in: root).appending(keyText(range)).description
        return fault
    }

    private static func keyText(_ range: SourceRange) -> String {
        (try? JSONValue(parsing: range.text))?.stringValue ?? ""
    }

    /// The innermost object or array around a byte. Children stand in the order of the text, so that each level takes
    /// a search by halves.
    private static func pointer(to place: UInt32, in root: RawNode) -> JSONPointer {
        var pointer = JSONPointer.root
        var node = root
        while true {
            switch node.content {
            case .scalar: return pointer
            case .sequence(let box):
                let index = box.items.lastIndex(startingBy: place) { $0.span.start }
                guard let index, place < box.items[index].span.end else { return pointer }
                pointer = pointer.appending(index)
                node = box.items[index]
            case .mapping(let box):
                let index = box.members.lastIndex(startingBy: place) { $0.value.span.start }
                guard let index, place < box.members[index].value.span.end else { return pointer }
                pointer.push(box.members[index].key)
                node = box.members[index].value
            }
        }
    }

    /// Makes nodes from what the JSON parser reads.
    private struct NodeBuilder: JSONTreeBuilder {
        let file: SourceFile
        var kept: [Diagnostic] = []
        var dropped: (first: Span, count: Int)?

        /// What was found; in the place of all that is too much, one that counts it.
        var faults: [Diagnostic] {
            guard let dropped else { return kept }
            return kept + [TreeComposer.more(dropped.count, like: .duplicateKey, at: dropped.first.range(in: file))]
        }

        func scalar(_ value: JSONValue, _ range: Range<Int>) -> RawNode {
            RawNode(content: .scalar(value), span: Span(range), style: value.stringValue == nil ? .plain : .quoted)
        }

        func array(_ items: [RawNode], _ range: Range<Int>) -> RawNode {
            RawNode(content: .sequence(SequenceBox(items)), span: Span(range))
        }

        mutating func object(
            _ members: [(key: String, keyRange: Range<Int>, value: RawNode)], _ range: Range<Int>
        ) -> RawNode {
            var frame = Frame(isMapping: true, isFlow: true, span: Span(range))
            for member in members {
                let key = Frame.Key(text: member.key, span: Span(member.keyRange))
                if let first = frame.firstPlace(of: key) {
                    if kept.count >= TreeComposer.faultLimit {
                        dropped = (dropped?.first ?? key.span, (dropped?.count ?? 0) + 1)
                        continue
                    }
                    kept.append(TreeComposer.duplicate(key, first, file: file, pointer: nil))
                } else {
                    frame.append(MappingBox.Member(key: key.text, keySpan: key.span, value: member.value))
                }
            }
            return RawNode(content: .mapping(MappingBox(frame.members)), span: frame.span)
        }
    }
}

extension Array {
    /// The last element, of those in ascending order of their starts, that starts at a place or before it.
    fileprivate func lastIndex(startingBy place: UInt32, _ start: (Element) -> UInt32) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if start(self[middle]) <= place { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}
