import JSON

/// A node as it is stored: without its file and path, which a `Node` adds when the tree is walked.
///
/// Collections are boxes, so that all uses of an alias share one.
struct RawNode: Sendable {
    /// What a node holds.
    enum Content: Sendable {
        /// A value without children.
        case scalar(JSONValue)
        /// Items.
        case sequence(SequenceBox)
        /// Members.
        case mapping(MappingBox)
    }

    /// What the node holds.
    var content: Content
    /// Where its text is.
    var span: Span
    private var usedAt = Span.none
    /// How a scalar is written.
    var style: ScalarStyle = .plain
    /// A fault was reported for this node; its content is a stand-in.
    var isBroken = false

    /// The text broke off in here: what seems to be missing may stand in what could not be read.
    var isCut = false

    /// A node that stands where it is written.
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

    /// Whether a mapping in here has a member of one of these names. Recurses as deep as documents may nest.
    func mentions(_ names: [String]) -> Bool {
        switch content {
        case .scalar: false
        case .sequence(let box): box.items.contains { $0.mentions(names) }
        case .mapping(let box): box.members.contains { names.contains($0.key) || $0.value.mentions(names) }
        }
    }
}
