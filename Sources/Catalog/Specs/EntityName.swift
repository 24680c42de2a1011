import Diagnostics
import YAML

/// The name of a capture, collection, materialization or test, with the place where it is defined.
public struct EntityName: Sendable {
    /// What bears the name.
    public enum Kind: String, Sendable { case capture, collection, materialization, test }

    /// What bears it.
    public let kind: Kind
    public let text: String
    /// Where the name is written.
    public let range: SourceRange
    /// What is defined under it.
    public let node: Node

    /// An error at the name.
    func error(
        _ code: DiagnosticCode, _ message: String, notes: [Diagnostic.Note] = [], hint: String? = nil
    ) -> Diagnostic {
        .error(code, message, at: range, pointer: node.pointer.description, notes: notes, hint: hint)
    }

    /// A warning at the name.
    func warning(_ code: DiagnosticCode, _ message: String, hint: String? = nil) -> Diagnostic {
        .warning(code, message, at: range, pointer: node.pointer.description, hint: hint)
    }

    /// `capture 'shop/source'`.
    var phrase: String { "\(kind.rawValue) '\(text)'" }
}
