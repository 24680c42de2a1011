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
    /// Unknown names may be misspelt secrets: what they hold is masked in every snippet.
    var hidesUnknown = false

    /// Reports what makes the value invalid.
    func run(_ node: Node, _ diagnostics: inout DiagnosticCollector) {
        for failure in schema.validate(node.value) where !leaves(failure) {
            let place = Place(failure, in: node)
            if place.isBroken { continue }
            if hidesUnknown, failure.isAboutKey, let value = place.value { diagnostics.hide(value.range) }
            diagnostics.report(place.diagnostic(failure))
        }
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

        func diagnostic(_ failure: SchemaFailure) -> Diagnostic {
            .error(
                ShapeCheck.code(failure), failure.message, at: range, pointer: pointer, notes: aliasNotes,
                hint: failure.subject.flatMap { Suggestion.hint(for: $0, among: failure.candidates) },
                isSecret: failure.isSecret)
        }
    }
}
