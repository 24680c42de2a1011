import Diagnostics
import JSON

/// A node as it is stored: without its file and path, which a `Node` adds when the tree is walked.
///
/// Collections are boxes, so that all uses of an alias share one.
struct RawNode: Sendable {
    enum Content: Sendable {
        case scalar(JSONValue)
        case sequence(SequenceBox)
        case mapping(MappingBox)
    }

    var content: Content
    var span: Span
    private var usedAt = Span.none
    var style: ScalarStyle = .plain
    /// A fault was reported for this node; its content is a stand-in.
    var isBroken = false

    init(content: Content, span: Span, style: ScalarStyle = .plain, isBroken: Bool = false) {
        self.content = content
        self.span = span
        self.style = style
        self.isBroken = isBroken
    }

    /// The alias that stands here, where the node was brought in by one.
    var use: Span? {
        get { usedAt == .none ? nil : usedAt }
        set { usedAt = newValue ?? .none }
    }

    /// Nodes in this one: itself, keys and all uses of aliases included.
    var count: Int {
        switch content {
        case .scalar: 1
        case .sequence(let box): box.count
        case .mapping(let box): box.count
        }
    }

    /// Levels of collections in this one: 0 for a scalar.
    var height: Int {
        switch content {
        case .scalar: 0
        case .sequence(let box): box.height
        case .mapping(let box): box.height
        }
    }
}

/// Byte offsets in the tree's own file.
struct Span: Sendable, Hashable {
    var start: UInt32
    var end: UInt32

    /// No place; it takes no more room than a place does.
    static let none = Span(Int(UInt32.max), Int(UInt32.max))

    init(_ start: Int, _ end: Int) {
        self.start = UInt32(clamping: start)
        self.end = UInt32(clamping: max(start, end))
    }

    init(_ range: Range<Int>) {
        self.init(range.lowerBound, range.upperBound)
    }

    func range(in file: SourceFile) -> SourceRange { SourceRange(file: file, offsets: Int(start)..<Int(end)) }
}

/// The items of a sequence.
final class SequenceBox: Sendable {
    let items: [RawNode]
    let count: Int
    let height: Int

    init(_ items: [RawNode]) {
        self.items = items
        self.count = items.reduce(1) { $0 + $1.count }
        self.height = 1 + (items.map(\.height).max() ?? 0)
    }
}

/// The members of a mapping with a look-up by name.
final class MappingBox: Sendable {
    struct Member: Sendable {
        let key: String
        let keySpan: Span
        var value: RawNode
    }

    let members: [Member]
    let count: Int
    let height: Int
    private let index: [JSONKey: Int]

    /// Takes members whose names are unique.
    init(_ members: [Member]) {
        self.members = members
        self.count = members.reduce(1) { $0 + 1 + $1.value.count }
        self.height = 1 + (members.map(\.value.height).max() ?? 0)
        var index: [JSONKey: Int] = [:]
        if members.count > 8 {
            index.reserveCapacity(members.count)
            for (place, member) in members.enumerated() { index[JSONKey(member.key)] = place }
        }
        self.index = index
    }

    func position(of key: String) -> Int? {
        if index.isEmpty { return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) } }
        return index[JSONKey(key)]
    }
}
