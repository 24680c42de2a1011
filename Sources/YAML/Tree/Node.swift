import Diagnostics
import JSON

/// A value of a YAML or JSON file that knows where it is written, and by which alias it came to where it is used.
///
/// A small view on a shared tree: copying it is cheap, and going down makes the children's views.
public struct Node: Sendable {
    /// What a node is.
    public enum Kind: String, Sendable, Hashable {
        /// A JSON Schema type; a number without a fraction is an `integer`.
        case null, boolean, integer, number, string, array, object

        /// The kind with its article, for messages: `an integer`.
        public var phrase: String {
            switch self {
            case .null: "null"
            case .integer, .array, .object: "an \(rawValue)"
            case .boolean, .number, .string: "a \(rawValue)"
            }
        }
    }

    /// A member of a mapping.
    public struct Member: Sendable {
        /// The name. A key that is no string is its text: `1: x` has the name `1`.
        public let key: String
        /// Where the name is written.
        public let keyRange: SourceRange
        /// The value.
        public let value: Node
    }

    /// The stored node.
    let raw: RawNode
    /// The way from the root; nil for the root.
    let path: NodePath?
    /// The file that the node is written in.
    public let file: SourceFile
    /// Where the alias stands that brings the node in, itself or with what holds it; the outermost of several.
    /// Nil for a node used only where it is written.
    public let usedAt: SourceRange?

    /// A view on a stored node, brought in where `usedAt` says or the node itself does.
    init(_ raw: RawNode, file: SourceFile, path: NodePath?, usedAt: SourceRange?) {
        self.raw = raw
        self.file = file
        self.path = path
        self.usedAt = usedAt ?? raw.use?.range(in: file)
    }

    /// Where the node's text is written, without anchor and tag. A value left out is an empty range.
    public var range: SourceRange { raw.span.range(in: file) }

    /// The JSON pointer from the file's root, with aliases and merge keys expanded. O(depth).
    public var pointer: JSONPointer { path?.pointer ?? .root }

    /// A fault of this very node was reported already; its content is a stand-in, so further checks of it are noise.
    public var isBroken: Bool { raw.isBroken }

    /// The file's text broke off within this collection: what seems to be missing may stand in what could not be read.
    public var isCut: Bool { raw.isCut }

    /// How a scalar is written; `plain` for collections.
    public var style: ScalarStyle { raw.style }

    /// The number of nodes in this one, itself included, after the expansion of aliases. O(1).
    public var nodeCount: Int { raw.count }

    /// The JSON Schema type of the value.
    public var kind: Kind {
        switch raw.content {
        case .sequence: .array
        case .mapping: .object
        case .scalar(let value): Kind(rawValue: value.typeName) ?? .null
        }
    }

    /// Whether the value is null, written or left out.
    public var isNull: Bool { kind == .null }

    /// The value of a scalar; nil for collections.
    public var scalar: JSONValue? {
        if case .scalar(let value) = raw.content { value } else { nil }
    }

    /// The text of a string.
    public var string: String? { scalar?.stringValue }
    /// The truth value of a boolean.
    public var bool: Bool? { scalar?.boolValue }
    /// The value of a number.
    public var number: JSONNumber? { scalar?.numberValue }
    /// The value of a whole number that fits an Int.
    public var int: Int? { scalar?.intValue }

    /// The items of a sequence; nil for others. Makes a view an item.
    public var items: [Node]? {
        guard case .sequence(let box) = raw.content else { return nil }
        return box.items.enumerated().map { child($1, .index($0)) }
    }

    /// The members of a mapping in the order written, merged ones where the merge key stands; nil for others.
    public var members: [Member]? {
        guard case .mapping(let box) = raw.content else { return nil }
        return box.members.map(member)
    }

    /// The names of a mapping's members; empty for others.
    public var keys: [String] {
        guard case .mapping(let box) = raw.content else { return [] }
        return box.members.map(\.key)
    }

    /// The number of items or members; 0 for scalars.
    public var childCount: Int {
        switch raw.content {
        case .scalar: 0
        case .sequence(let box): box.items.count
        case .mapping(let box): box.members.count
        }
    }

    /// The value of a mapping's member; nil where there is none.
    public subscript(key: String) -> Node? { member(key)?.value }

    /// An item of a sequence; nil where there is none.
    public subscript(index: Int) -> Node? {
        guard case .sequence(let box) = raw.content, box.items.indices.contains(index) else { return nil }
        return child(box.items[index], .index(index))
    }

    /// A mapping's member with the place of its name; nil where there is none.
    public func member(_ key: String) -> Member? {
        guard case .mapping(let box) = raw.content, let place = box.position(of: key) else { return nil }
        return member(box.members[place])
    }

    /// Whether a mapping in here, this one included, has a member of one of these names. Makes no views.
    public func mentions(_ names: [String]) -> Bool { raw.mentions(names) }

    /// The node that a pointer leads to from here; nil where there is none.
    public func find(_ pointer: JSONPointer) -> Node? {
        var node = self
        for token in pointer.tokens {
            guard let next = node[token] ?? JSONPointer.arrayIndex(token).flatMap({ node[$0] }) else { return nil }
            node = next
        }
        return node
    }

    private func member(_ member: MappingBox.Member) -> Member {
        Member(
            key: member.key, keyRange: member.keySpan.range(in: file), value: child(member.value, .key(member.key)))
    }

    private func child(_ raw: RawNode, _ step: NodePath.Step) -> Node {
        let below = path.map { $0.isOfMade ? $0 : NodePath($0, step) } ?? NodePath(nil, step)
        return Node(raw, file: file, path: below, usedAt: usedAt)
    }
}
