import Diagnostics
import JSON
import JSONSchema
import YAML

/// Checks a value against a JSON Schema and words what it finds for the one who wrote the value.
struct ShapeCheck {
    /// What the value is checked with.
    let schema: CompiledSchema
    /// What a rule reports in better words is left to it.
    var leaves: @Sendable (SchemaFailure) -> Bool = { _ in false }
    /// The value is an endpoint's config: what a name or the text itself gives away as a secret is shown nowhere, nor what
    /// an unknown name holds, which may be a misspelt one.
    var isOfConfig = false

    /// Reports what makes the value invalid.
    func run(_ node: Node, _ diagnostics: inout DiagnosticCollector) {
        let failures = schema.validate(node.value)
        let meant = Self.meant(by: failures)
        let spelt = failures.filter { $0.isAboutKey && isOfConfig }.compactMap { Self.keyOfSecret($0, in: node) }
        var known: Set<JSONPointer> = []
        for failure in failures where !leaves(failure) {
            // Of what is wrong with a single value the first fault tells it.
            if !failure.isAboutKey, !known.insert(failure.instance).inserted, node.find(failure.instance)?.scalar != nil
            {
                continue
            }
            if !failure.isAboutKey, spelt.contains(where: { $0.pointer == node.find(failure.instance)?.pointer }) {
                continue
            }
            let place = Place(failure, in: node)
            if let names = meant[failure.instance], place.isExplained(failure, by: names) { continue }
            if place.isBroken || place.isCutShort(ShapeCheck.code(failure)) { continue }
            if isOfConfig, failure.isAboutKey, let value = place.value { diagnostics.hide(value.range) }
            if isOfConfig, failure.isAboutKey, let secret = Self.keyOfSecret(failure, in: node) {
                for member in secret.members ?? [] { diagnostics.hide(member.keyRange) }
                SecretMask.hide(secret, &diagnostics)
                diagnostics.report(
                    secret.error(
                        .wrongType, "the braces make this a mapping, and not of those that say where a secret is",
                        hint:
                            "put a password with braces in quotes, or give { env: NAME }, { file: PATH } or { exec: [program] }",
                        isSecret: true))
                continue
            }
            let isSecret = !failure.isAboutKey && isSecret(place.value?.string, failure.instance.tokens)
            if isSecret, let value = place.value { SecretMask.hide(value, &diagnostics) }
            diagnostics.report(place.diagnostic(failure, isSecret: isSecret))
        }
    }

    /// The mapping in a secret's place of which an unknown name may be the secret itself.
    private static func keyOfSecret(_ failure: SchemaFailure, in root: Node) -> Node? {
        let names = failure.instance.tokens.dropLast()
        guard let last = names.last, SecretName.isLikely(last), let subject = failure.subject,
            Suggestion.nearest(to: subject, among: failure.candidates) == nil
        else { return nil }
        return root.find(JSONPointer(Array(names)))
    }

    /// What misspelt names were probably meant to be, by the object that they are in.
    private static func meant(by failures: [SchemaFailure]) -> [JSONPointer: Set<String>] {
        var meant: [JSONPointer: Set<String>] = [:]
        for failure in failures where failure.isAboutKey && !failure.candidates.isEmpty {
            // A form of endpoint that is refused by its name is an endpoint all the same.
            if failure.subject == "dekaf" {
                meant[JSONPointer(Array(failure.instance.tokens.dropLast())), default: []].insert("connector")
            }
            guard let subject = failure.subject,
                let name = Suggestion.nearest(to: subject, among: failure.candidates)
            else { continue }
            meant[JSONPointer(Array(failure.instance.tokens.dropLast())), default: []].insert(name)
        }
        return meant
    }

    private func isSecret(_ text: String?, _ names: [String]) -> Bool {
        guard isOfConfig || names.contains("endpoint") else { return text.map(SecretName.hasLogin) ?? false }
        return SecretMask.isSecret(text, named: names)
    }

    /// The code for a failed keyword.
    static func code(_ failure: SchemaFailure) -> DiagnosticCode {
        switch failure.keyword {
        case "additionalProperties", "unevaluatedProperties", "propertyNames":
            failure.keyword == "propertyNames" ? .wrongForm : .unknownProperty
        case "patternProperties", "pattern", "format": .wrongForm
        case "required", "dependentRequired": .missingProperty
        case "type": .wrongType
        case "enum", "const": .notAllowed
        case "oneOf", "anyOf", "not", "if", "then", "else", "allOf": .noAlternative
        default: failure.isAboutKey ? .unknownProperty : .outOfBounds
        }
    }

    private static let addressHint =
        "give host and port only; user, password and database have properties of their own"

    /// Where a failure is shown.
    private struct Place {
        let range: SourceRange
        let pointer: String
        let aliasNotes: [Diagnostic.Note]
        let isBroken: Bool
        let value: Node?

        init(_ failure: SchemaFailure, in root: Node) {
            var node = root
            var key: SourceRange?
            var isBroken = root.isBroken
            for token in failure.instance.tokens {
                if let member = node.member(token) {
                    (node, key) = (member.value, member.keyRange)
                } else if let item = JSONPointer.arrayIndex(token).flatMap({ node[$0] }) {
                    (node, key) = (item, nil)
                } else {
                    break
                }
                isBroken = isBroken || node.isBroken
            }
            let usesKey = failure.isAboutKey || (node.members != nil && failure.keyword != "type")
            range = (usesKey ? key ?? node.members?.first?.keyRange : nil) ?? node.range
            pointer = node.pointer.description
            aliasNotes = node.aliasNotes
            value = node
            self.isBroken = isBroken
        }

        /// Whether a field is missing because its name is misspelt, which is told at that name.
        func isExplained(_ failure: SchemaFailure, by names: Set<String>) -> Bool {
            guard !failure.names.isEmpty, failure.names.allSatisfy({ value?.member($0) == nil }) else { return false }
            switch ShapeCheck.code(failure) {
            case .missingProperty: return names.isSuperset(of: failure.names)
            case .noAlternative: return !names.isDisjoint(with: failure.names)
            default: return false
            }
        }

        /// The two names of one thing, of which a failure says that the older is not allowed beside the newer.
        private func otherName(_ failure: SchemaFailure) -> (older: String, newer: String)? {
            guard failure.keyword == "properties", let older = failure.instance.tokens.last else { return nil }
            return ["sourceCapture": "source", "include": "require"][older].map { (older, $0) }
        }

        /// Whether what is missing may stand in what could not be read of the file.
        func isCutShort(_ code: DiagnosticCode) -> Bool {
            (value?.isCut ?? false) && (code == .missingProperty || code == .noAlternative)
        }

        func diagnostic(_ failure: SchemaFailure, isSecret: Bool) -> Diagnostic {
            if let other = otherName(failure) {
                return .error(
                    .unknownProperty,
                    "'\(other.older)' is the older name of '\(other.newer)', and only one of the two can be given",
                    at: range, pointer: pointer, notes: aliasNotes, hint: "remove one of them")
            }
            let guess = isSecret ? nil : failure.subject.flatMap { Suggestion.hint(for: $0, among: failure.candidates) }
            let example = failure.isAboutKey ? nil : failure.example?.stringValue.map { "for example \($0)" }
            let shown = ShapeCheck.code(failure) == .wrongForm && !isSecret ? guess ?? example : guess
            let isAddress = isSecret && failure.instance.tokens.last == "address"
            return .error(
                ShapeCheck.code(failure), isSecret ? failure.redacted : failure.message, at: range, pointer: pointer,
                notes: aliasNotes, hint: isAddress ? ShapeCheck.addressHint : shown,
                isSecret: isSecret || failure.isSecret)
        }
    }
}
