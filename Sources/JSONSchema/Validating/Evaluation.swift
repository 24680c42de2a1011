import JSON

/// One walk of a schema over a value.
///
/// The quick mode only says whether the value is valid and stops at the first failure; the other modes go on.
struct Evaluation {
    /// What the walk is for.
    enum Mode {
        /// Only whether the value is valid.
        case answer
        /// Why it is invalid.
        case failures
        /// The annotations of these names, of schemas that fail too where wanted.
        case annotations(Set<String>, evenInvalid: Bool)
    }

    /// The schemas.
    let schema: CompiledSchema
    /// Failures are recorded now.
    var isRecording: Bool
    /// The names of the annotations to gather; nil in the other modes.
    let wanted: Set<String>?
    /// Annotations of schemas that fail are kept.
    let keepsInvalid: Bool
    /// The member names and indices that lead to the value; kept only where something is recorded.
    var path: [String] = []
    /// Whether `path` is kept.
    let keepsPath: Bool
    /// The resources that were entered, outermost first: where `$dynamicRef` looks.
    var scope: [Int] = []
    private var depth = 0
    /// The checks that are left.
    private var checks: Int
    /// The steps that are left to patterns.
    var patternSteps = 20_000_000

    /// The failures so far.
    var failures: [RecordedFailure] = []
    /// The ways to values that are secrets.
    var secrets: [[String]] = []
    private(set) var annotations: [SchemaAnnotation] = []

    /// Schemas inside schemas inside values: bounds the stack, of which each takes some 5 KB in a debug build.
    private static let depthLimit = 1200
    /// The most failures kept.
    private static let failureLimit = 10_000

    /// A walk over one value, whose size sets how many checks it may take.
    init(_ schema: CompiledSchema, _ value: JSONValue, mode: Mode = .answer) {
        self.schema = schema
        checks = 300_000 + 200 * value.size(limit: 500_000)
        switch mode {
        case .answer: (isRecording, wanted, keepsInvalid, keepsPath) = (false, nil, false, false)
        case .failures: (isRecording, wanted, keepsInvalid, keepsPath) = (true, nil, false, true)
        case .annotations(let names, let evenInvalid):
            (isRecording, wanted, keepsInvalid, keepsPath) = (false, names, evenInvalid, true)
        }
    }

    /// Schemas whose branches multiply made the walk give up, so its answer is no.
    var isExhausted: Bool { checks < 0 }
    /// Whether the first failure settles the answer.
    var stopsEarly: Bool { !isRecording && !keepsInvalid }
    /// Whether all of several branches must be looked at even when one has settled the answer.
    var visitsAll: Bool { wanted != nil }

    /// Whether the value is valid by a schema.
    mutating func isValid(_ value: JSONValue, _ id: SchemaNode.ID) -> Bool {
        var seen: Evaluated?
        return check(id, value, &seen)
    }

    /// Checks a value, and where it is valid adds what was evaluated to `seen`.
    mutating func check(_ id: SchemaNode.ID, _ value: JSONValue, _ seen: inout Evaluated?) -> Bool {
        let node = schema.nodes[id]
        checks -= 1
        if checks < 0 { return false }
        if let boolean = node.parts.boolean {
            if !boolean { fail(node, "false", "nothing is allowed here") }
            return boolean
        }
        guard depth < Self.depthLimit else {
            fail(node, "", "the value is nested too deeply to be checked")
            return false
        }
        depth += 1
        let entersResource = scope.last != node.resource
        if entersResource { scope.append(node.resource) }
        defer {
            depth -= 1
            if entersResource { scope.removeLast() }
        }
        let before = annotations.count
        let tracks =
            seen != nil || node.parts.unevaluatedProperties != nil || node.parts.unevaluatedItems != nil
        var local: Evaluated? = tracks ? Evaluated() : nil
        let isValid = checkAll(node, value, &local)
        if isValid, let local { seen?.merge(local) }
        if let wanted {
            if isValid || keepsInvalid {
                addAnnotations(of: node, wanted)
            } else {
                annotations.removeSubrange(before...)
            }
        }
        return isValid
    }

    private mutating func checkAll(_ node: SchemaNode, _ value: JSONValue, _ local: inout Evaluated?) -> Bool {
        let type = TypeSet(of: value)
        let fits = node.parts.types.map { !$0.isDisjoint(with: type) } ?? true
        if node.parts.isSecret, isRecording, fits || type.isDisjoint(with: [.object, .array]) { secrets.append(path) }
        guard fits else {
            let expected = node.parts.types?.names ?? []
            fail(node, "type", Self.mismatch(expected, value.found), Self.mismatch(expected, value.foundKind))
            return false
        }
        var isValid = checkKind(node, value)
        if !isValid && stopsEarly { return false }
        switch value {
        case .string(let text): if node.checksStrings { isValid = checkString(node, text) && isValid }
        case .number(let number): if node.checksNumbers { isValid = checkNumber(node, number) && isValid }
        case .array(let items): isValid = checkArray(node, items, &local) && isValid
        case .object(let object): isValid = checkObject(node, object, &local) && isValid
        default: break
        }
        if !isValid && stopsEarly { return false }
        if node.hasInPlace { isValid = checkInPlace(node, value, &local) && isValid }
        if !isValid && stopsEarly { return false }
        guard local != nil else { return isValid }
        return checkUnevaluated(node, value, isValid, &local) && isValid
    }

    private static func mismatch(_ expected: [String], _ found: String) -> String {
        expected.isEmpty
            ? "nothing is allowed here, found \(found)"
            : "expected \(listed(expected, "or", quote: "")), found \(found)"
    }

    /// `const` and `enum`.
    private mutating func checkKind(_ node: SchemaNode, _ value: JSONValue) -> Bool {
        var isValid = true
        if let constant = node.parts.constant, constant != value {
            isValid = false
            fail(
                node, "const", "expected \(constant.shown), found \(value.found)",
                "expected \(constant.shown), found \(value.foundKind)", subject: value.stringValue,
                candidates: [constant.stringValue].compactMap { $0 })
        }
        if let values = node.parts.enumeration, !values.contains(value) {
            isValid = false
            let expected = listed(values.map(\.shown), "or", quote: "")
            fail(
                node, "enum", "expected \(expected), found \(value.found)",
                "expected \(expected), found \(value.foundKind)", subject: value.stringValue,
                candidates: values.compactMap(\.stringValue))
        }
        return isValid
    }

    private mutating func addAnnotations(of node: SchemaNode, _ wanted: Set<String>) {
        for member in node.parts.annotations where wanted.contains(member.key) {
            annotations.append(
                SchemaAnnotation(
                    instance: JSONPointer(path), keyword: member.key, value: member.value, schema: node.id))
        }
    }

    /// Runs a check whose failures don't count.
    mutating func quietly(_ id: SchemaNode.ID, _ value: JSONValue, _ seen: inout Evaluated?) -> Bool {
        let wasRecording = isRecording
        isRecording = false
        defer { isRecording = wasRecording }
        return check(id, value, &seen)
    }

    /// Runs a check whose failures are given back instead of recorded.
    mutating func apart(
        _ id: SchemaNode.ID, _ value: JSONValue, _ seen: inout Evaluated?
    ) -> (isValid: Bool, failures: [RecordedFailure]) {
        let kept = failures
        failures = []
        let isValid = check(id, value, &seen)
        defer { failures = kept }
        return (isValid, failures)
    }

    /// Drops annotations gathered since a count.
    mutating func dropAnnotations(after count: Int) { annotations.removeSubrange(count...) }

    /// The annotations gathered so far.
    var annotationCount: Int { annotations.count }

    /// Whether a further failure is kept. Words are made for those only, so a value of nothing but faults takes no longer.
    var keepsFailures: Bool { isRecording && failures.count < Self.failureLimit }

    /// Records a failure at the current place, where failures are recorded at all.
    mutating func fail(
        _ node: SchemaNode, _ keyword: String, _ message: @autoclosure () -> String,
        _ redacted: @autoclosure () -> String? = nil, names: [String] = [], subject: @autoclosure () -> String? = nil,
        candidates: @autoclosure () -> [String] = []
    ) {
        guard keepsFailures else { return }
        record(
            RecordedFailure(
                path: path, node: node.id, keyword: keyword, message: message(), redacted: redacted(), names: names,
                subject: subject(), candidates: candidates()))
    }

    /// Keeps a failure.
    mutating func record(_ failure: RecordedFailure) {
        if failures.count < Self.failureLimit { failures.append(failure) }
    }

    private static let exhausted =
        "the schema's branches multiply so that this value can't be checked in reasonable time"

    /// The failures without repeats, secrets left out of their messages.
    func finishedFailures() -> [SchemaFailure] {
        if isExhausted {
            return [
                SchemaFailure(
                    instance: .root, isAboutKey: false, keyword: "", schema: schema.rootNode.document + "#",
                    message: Self.exhausted, redacted: Self.exhausted, names: [], subject: nil, candidates: [],
                    example: nil, isSecret: false)
            ]
        }
        var known: Set<SchemaFailure> = []
        var result: [SchemaFailure] = []
        for failure in failures {
            let isSecret = secrets.contains { failure.path.starts(with: $0) }
            let node = schema.nodes[failure.node]
            let keyword = failure.keyword == "false" ? "" : "/" + JSONPointer.escape(failure.keyword)
            let finished = SchemaFailure(
                instance: JSONPointer(failure.path), isAboutKey: failure.isAboutKey,
                keyword: failure.keyword, schema: "\(node.document)#\(node.pointer)\(keyword)",
                message: isSecret ? failure.redacted ?? failure.message : failure.message,
                redacted: failure.redacted ?? failure.message, names: failure.names,
                subject: isSecret && !failure.isAboutKey ? nil : failure.subject, candidates: failure.candidates,
                example: node.annotations["examples"]?.arrayValue?.first, isSecret: isSecret)
            if known.insert(finished).inserted { result.append(finished) }
        }
        return result
    }
}

extension JSONValue {
    /// The number of values in this one, counted up to a limit.
    fileprivate func size(limit: Int) -> Int {
        var count = 1
        switch self {
        case .array(let items):
            for item in items where count < limit { count += item.size(limit: limit - count) }
        case .object(let object):
            for member in object.members where count < limit { count += member.value.size(limit: limit - count) }
        default: break
        }
        return count
    }
}
