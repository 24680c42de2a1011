import Diagnostics
import JSON

extension Node {
    /// The value without its places. Values used through aliases are converted once and shared. O(stored nodes).
    public var value: JSONValue {
        var conversion = Conversion()
        return conversion.convert(raw)
    }

    /// A tree for a value that no file holds as such, such as a default: every node gets the place of what it follows from.
    public init(_ value: JSONValue, from origin: Node) {
        let path = origin.path.map { NodePath($0.parent, $0.step, isOfMade: true) }
        self.init(
            Self.make(value, Span(origin.range.offsets)), file: origin.file, path: path, usedAt: origin.usedAt)
    }

    private static func make(_ value: JSONValue, _ span: Span) -> RawNode {
        switch value {
        case .array(let items):
            return RawNode(content: .sequence(SequenceBox(items.map { make($0, span) })), span: span)
        case .object(let object):
            let members = object.members.map {
                MappingBox.Member(key: $0.key, keySpan: span, value: make($0.value, span))
            }
            return RawNode(content: .mapping(MappingBox(members)), span: span)
        default: return RawNode(content: .scalar(value), span: span)
        }
    }

    private struct Conversion {
        private var known: [ObjectIdentifier: JSONValue] = [:]

        mutating func convert(_ node: RawNode) -> JSONValue {
            switch node.content {
            case .scalar(let value): return value
            case .sequence(let box):
                if node.use != nil, let value = known[ObjectIdentifier(box)] { return value }
                let value = JSONValue.array(box.items.map { convert($0) })
                if node.use != nil { known[ObjectIdentifier(box)] = value }
                return value
            case .mapping(let box):
                if node.use != nil, let value = known[ObjectIdentifier(box)] { return value }
                let value = JSONValue.object(
                    JSONObject(unique: box.members.map { .init(key: $0.key, value: convert($0.value)) }))
                if node.use != nil { known[ObjectIdentifier(box)] = value }
                return value
            }
        }
    }
}
