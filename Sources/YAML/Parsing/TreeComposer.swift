import Diagnostics
import JSON

/// Builds the tree from events, without recursion: open collections are a stack of frames.
///
/// Faults are kept and composition goes on with a stand-in; the limits and a second document end it.
struct TreeComposer {
    private var kept: [Diagnostic] = []
    private var dropped: (first: Span, count: Int)?
    private(set) var root: RawNode?
    /// Whether the composition ended before the text did.
    private(set) var isStopped = false

    private let file: SourceFile
    private var offsets: CharacterOffsets
    private let limits: DocumentLimits
    private var frames: [Frame] = []
    private var anchors: [String: Anchor] = [:]
    private var documents = 0
    /// Nodes so far, keys included, aliases expanded.
    private var expanded = 0

    private enum Anchor {
        case open(Span)
        case done(RawNode)
    }

    /// A composer for one file.
    init(_ file: SourceFile, offsets: CharacterOffsets, limits: DocumentLimits) {
        self.file = file
        self.limits = limits
        self.offsets = offsets
    }

    /// Takes the next event; false ends the parse.
    mutating func visit(_ event: EventReader.Event) -> Bool {
        let span = Span(offsets.offset(event.start), offsets.offset(event.end))
        switch event.kind {
        case .streamEnd, .documentEnd: break
        case .documentStart: startDocument(span)
        case .alias(let name): add(resolveAlias(name, span))
        case .scalar(let text, let style): addScalar(event, text, style, span)
        case .sequenceStart(let isFlow): open(event, Frame(isMapping: false, isFlow: isFlow, span: span))
        case .mappingStart(let isFlow): open(event, Frame(isMapping: true, isFlow: isFlow, span: span))
        case .sequenceEnd, .mappingEnd: close(at: span.end)
        }
        return !isStopped
    }

    /// Closes what is still open where the text broke off, so that what was read is kept. A value right before the fault
    /// at that offset was meant to be something else.
    mutating func closeAll(fault offset: Int? = nil) {
        if let offset, !frames.isEmpty { frames[frames.count - 1].breakLast(before: offset, in: file.bytes) }
        while !frames.isEmpty { close(at: nil) }
    }

    private mutating func startDocument(_ span: Span) {
        documents += 1
        guard documents > 1 else { return }
        report(
            .manyDocuments, "a second YAML document starts here; a file holds one", span,
            hint: "put it into a file of its own and import that")
        isStopped = true
    }

    private mutating func addScalar(_ event: EventReader.Event, _ text: String, _ style: ScalarStyle, _ span: Span) {
        let properties = TextScan(file).skipProperties(event, span)
        if frames.last?.isFlow == true, span.start > 0, file.bytes[Int(span.start) - 1] == UInt8(ascii: "?") {
            report(
                .yamlSyntax, "'?' right before a text in brackets is read in two ways",
                Span(Int(span.start) - 1, Int(span.end)),
                hint: "put the text in quotes, with the '?' within them or without it")
        }
        var node = RawNode(content: .scalar(.string(text)), span: properties.rest, style: style)
        checkComment(behind: properties.rest, style)
        if style == .block { node.span = TextScan(file).trimmed(node.span) }
        let isKey = frames.last?.awaitsKey == true
        if let tag = event.tag {
            if let value = Tag.value(tag, text) {
                node.content = .scalar(value)
            } else {
                let message =
                    Tag.isKnown(tag)
                    ? "the value does not fit its tag\(shown("'" + Tag.shown(tag) + "'"))"
                    : "the tag\(shown("'" + Tag.shown(tag) + "'")) is not supported"
                report(.unsupportedTag, message, properties.tag)
                node.isBroken = true
            }
        } else if event.isPlainImplicit && !isKey {
            if let value = ScalarResolution.resolve(text) {
                node.content = .scalar(value)
            } else {
                report(
                    .noJSONNumber, "the number\(shown(text)) has no JSON form", node.span,
                    hint: "quote it if it is meant as text")
                node.isBroken = true
            }
        }
        if let anchor = event.anchor { anchors[anchor] = .done(node) }
        guard isKey else {
            add(node)
            return
        }
        count(1, at: node.span)
        let isMerge = text == "<<" && event.isPlainImplicit && event.tag == nil
        setKey(Frame.Key(text: text, span: node.span, isMerge: isMerge, isBroken: node.isBroken))
    }

    private mutating func open(_ event: EventReader.Event, _ frame: Frame) {
        var frame = frame
        let properties = TextScan(file).skipProperties(event, frame.span)
        if event.anchor != nil || event.tag != nil { frame.span.start = properties.rest.start }
        frame.anchor = event.anchor
        if let tag = event.tag, !Tag.fits(tag, isMapping: frame.isMapping) {
            report(.unsupportedTag, "the tag\(shown("'" + Tag.shown(tag) + "'")) is not supported here", properties.tag)
        }
        if let anchor = event.anchor { anchors[anchor] = .open(frame.span) }
        frame.isKey = frames.last?.awaitsKey == true
        frames.append(frame)
        if frames.count > limits.depth { stop(.tooDeep, depthMessage, frame.span) }
    }

    /// libyaml takes a `#` for a comment's behind quotes, brackets, `|` and `>` too, where YAML wants a space before it.
    private mutating func checkComment(behind span: Span, _ style: ScalarStyle) {
        guard style != .plain, let place = TextScan(file).touchingComment(span, isBlock: style == .block) else {
            return
        }
        report(
            .yamlSyntax, "a comment needs a space before its '#'", place,
            hint: "put a space before it, or the whole value in quotes")
    }

    /// Ends the innermost collection. A block collection ends with the last thing in it, as does one that broke off.
    private mutating func close(at end: UInt32?) {
        guard let frame = frames.popLast() else { return }
        let last = frame.isFlow ? end ?? frame.contentEnd : frame.contentEnd
        let span = Span(Int(frame.span.start), Int(last))
        if frame.isFlow, end != nil { checkComment(behind: span, .quoted) }
        var node: RawNode
        if frame.isMapping {
            node = RawNode(content: .mapping(MappingBox(merged(frame))), span: span)
        } else {
            node = RawNode(content: .sequence(SequenceBox(frame.items)), span: span)
        }
        // Nobody can tell where the brackets were meant to end, nor what stands in them.
        if end == nil {
            node.isBroken = frame.isFlow
            node.isCut = true
        }
        if let anchor = frame.anchor { anchors[anchor] = .done(node) }
        guard frame.isKey else {
            add(node)
            return
        }
        if end != nil {
            report(
                .keyKind, "a \(frame.isMapping ? "mapping" : "list") can't be a key", span,
                hint: "quote the text if it is meant as one")
        }
        setKey(Frame.Key(text: "", span: span, isBroken: true))
    }

    private mutating func merged(_ frame: Frame) -> [MappingBox.Member] {
        guard let merge = frame.merge, !isStopped else { return frame.members }
        let room = limits.nodes - expanded
        switch MergeKeys.merge(frame.members, merge.value, at: merge.position, room: room) {
        case .merged(let members, let nodes):
            expanded += nodes
            return members
        case .tooMany: stop(.tooManyNodes, nodesMessage, merge.value.use ?? merge.value.span)
        case .notMapping(let node):
            if !node.isBroken {
                let place = node.use ?? node.span
                let found = Node(node, file: file, path: nil, usedAt: nil).kind.phrase
                report(.mergeKey, "'<<' takes a mapping or a list of mappings, found \(found)", place)
            }
        }
        return frame.members
    }

    private mutating func resolveAlias(_ name: String, _ span: Span) -> RawNode {
        let broken = RawNode(content: .scalar(.null), span: span, isBroken: true)
        switch anchors[name] {
        case .done(var node):
            node.use = span
            if frames.count + node.height > limits.depth { stop(.tooDeep, depthMessage, span) }
            return node
        case .open(let place):
            report(
                .cyclicAlias, "the alias\(shown("'*" + name + "'")) stands inside the value that it stands for", span,
                notes: [.init("that value begins", at: place.range(in: file))])
        case nil:
            let isSuggested = keepsFaults && !isInSecret && anchors.count <= Self.suggestionLimit
            let near = Suggestion.nearest(to: name, among: isSuggested ? anchors.keys.sorted() : [])
            report(
                .unknownAnchor, "no anchor\(shown("'&" + name + "'")) stands before this alias", span,
                hint: near.map { "did you mean '*\($0)'?" } ?? "quote the value if it is meant as text")
        }
        return broken
    }

    /// Puts a finished node where it belongs.
    private mutating func add(_ node: RawNode) {
        let place = node.use ?? node.span
        let isMergeValue = frames.last?.key?.isMerge == true
        if !isMergeValue { count(node.use == nil ? 1 : node.count, at: place) }
        guard !frames.isEmpty else {
            root = node
            return
        }
        let top = frames.count - 1
        frames[top].contentEnd = max(frames[top].contentEnd, place.end)
        guard frames[top].isMapping else {
            frames[top].items.append(node)
            return
        }
        guard let key = frames[top].key else {
            addAliasKey(node)
            return
        }
        if let first = frames[top].firstPlace(of: key) {
            if keepsFaults {
                let pointer = pointer.appending(key.text)
                kept.append(Self.duplicate(key, first, file: file, pointer: pointer.description))
            } else {
                drop(key.span)
            }
        } else if key.isMerge {
            frames[top].merge = (node, key.span, frames[top].members.count)
        } else if !key.isBroken {
            frames[top].append(MappingBox.Member(key: key.text, keySpan: key.span, value: node))
        }
        frames[top].key = nil
    }

    /// The fault of a key that stands in its mapping already.
    static func duplicate(_ key: Frame.Key, _ first: Span, file: SourceFile, pointer: String?) -> Diagnostic {
        .error(
            .duplicateKey, "the key '\(key.text.shortened())' is written twice in one mapping",
            at: key.span.range(in: file), pointer: pointer,
            notes: [.init("it is first written", at: first.range(in: file))],
            hint: key.isMerge ? "merge several mappings with one key: <<: [*a, *b]" : nil)
    }

    /// A node in the place of a key that no event marked as one: an alias.
    private mutating func addAliasKey(_ node: RawNode) {
        let place = node.use ?? node.span
        guard case .scalar(let value) = node.content else {
            report(.keyKind, "a mapping or a list can't be a key", place)
            setKey(Frame.Key(text: "", span: place, isBroken: true))
            return
        }
        setKey(Frame.Key(text: value.stringValue ?? value.description, span: place, isBroken: node.isBroken))
    }

    private mutating func setKey(_ key: Frame.Key) {
        let top = frames.count - 1
        frames[top].key = key
        frames[top].contentEnd = max(frames[top].contentEnd, key.span.end)
    }

    /// The pointer of the innermost open collection.
    private var pointer: JSONPointer {
        JSONPointer(frames.dropLast().map { $0.isMapping ? $0.key?.text ?? "" : String($0.items.count) })
    }

    private mutating func count(_ nodes: Int, at span: Span) {
        expanded += nodes
        if expanded > limits.nodes { stop(.tooManyNodes, nodesMessage, span) }
    }

    private var depthMessage: String { "lists and mappings are nested more than \(limits.depth) levels deep" }
    private var nodesMessage: String {
        "the document has more than \(limits.nodes) nodes once its aliases are expanded"
    }

    private mutating func stop(_ code: DiagnosticCode, _ message: String, _ span: Span) {
        guard !isStopped else { return }
        isStopped = true
        report(code, message, Span(Int(span.start), min(Int(span.end), Int(span.start) + 1)))
    }

    private mutating func report(
        _ code: DiagnosticCode, _ message: String, _ span: Span,
        notes: [Diagnostic.Note] = [], hint: String? = nil
    ) {
        guard keepsFaults else { return drop(span) }
        kept.append(
            .error(code, message, at: span.range(in: file), notes: notes, hint: hint, isSecret: isInSecret))
    }

    /// Whether the value at hand belongs to a key that sounds secret, so that no message may hold its text.
    private var isInSecret: Bool {
        frames.contains { $0.key.map { SecretName.isLikely($0.text) } ?? false }
    }

    /// Text of a value for a message, with a space before it; empty where it may be a secret.
    private func shown(_ text: String) -> String {
        !keepsFaults || isInSecret ? "" : " " + text.shortened()
    }

    /// Whether further faults are kept. Words are made for those only, so a file of nothing but faults takes no longer.
    private var keepsFaults: Bool { kept.count < Self.faultLimit }

    private mutating func drop(_ place: Span) { dropped = (dropped?.first ?? place, (dropped?.count ?? 0) + 1) }

    /// What was found; in the place of all that is too much, one that counts it.
    var faults: [Diagnostic] {
        guard let dropped, let last = kept.last else { return kept }
        return kept + [Self.more(dropped.count, like: last.code, at: dropped.first.range(in: file))]
    }

    /// The fault that stands for more.
    static func more(_ count: Int, like code: DiagnosticCode, at place: SourceRange) -> Diagnostic {
        .error(
            code,
            "\(count) more fault\(count == 1 ? "" : "s") of this file from here on \(count == 1 ? "is" : "are") not shown",
            at: place, hint: "mend the first \(faultLimit)", isSecret: true)
    }

    /// The most faults kept of one file.
    static let faultLimit = 1000
    /// Among more anchors than this none is looked for that could have been meant.
    private static let suggestionLimit = 500
}

extension String {
    /// The text, cut where it is too long for a message.
    func shortened() -> String {
        unicodeScalars.count > 80 ? String(unicodeScalars.prefix(80)) + "…" : self
    }
}
