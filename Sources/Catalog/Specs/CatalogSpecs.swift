import Diagnostics
import YAML

/// A catalog as typed values: the union of its files, in the order written.
public struct CatalogSpecs: Sendable {
    public internal(set) var captures: [CaptureSpec] = []
    public internal(set) var collections: [CollectionSpec] = []
    public internal(set) var materializations: [MaterializationSpec] = []
    public internal(set) var tests: [EntityName] = []
    /// Whether nothing is missing that a file which can't be read might define.
    public internal(set) var isComplete = true
    /// The first place of each name in `collections`.
    var collectionPlaces: [String: Int] = [:]
    /// The first place of each name in `captures`.
    var capturePlaces: [String: Int] = [:]

    /// The first collection of that name; nil where there is none.
    public func collection(_ name: String) -> CollectionSpec? { collectionPlaces[name].map { collections[$0] } }
    /// The first capture of that name; nil where there is none.
    public func capture(_ name: String) -> CaptureSpec? { capturePlaces[name].map { captures[$0] } }
}

/// The name of a capture, collection, materialization or test, with the place where it is defined.
public struct EntityName: Sendable {
    /// What bears the name.
    public enum Kind: String, Sendable { case capture, collection, materialization, test }

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

/// Text with the node that holds it.
public struct LocatedText: Sendable {
    public let text: String
    public let node: Node

    /// Nil for a node that is no string.
    init?(_ node: Node?) {
        guard let node, let text = node.string else { return nil }
        self.text = text
        self.node = node
    }
}
