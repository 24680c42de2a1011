import Diagnostics
import JSON
import JSONSchema
import YAML

/// A collection's schema made ready: to check documents, to reduce them, and to ask what a location can be.
public struct SchemaModel: Sendable {
    /// The schema with all that it refers to.
    public let compiled: CompiledSchema
    /// What it says of each location.
    let shape: Shape
    /// Whether parts are left open: to what was inferred elsewhere, or because branches multiply.
    let isOpen: Bool
    /// The schema as written; nil for one that nobody wrote.
    let node: Node?
    /// The documents that the schema's parts are in, by URI.
    let documents: [String: Node]
    /// It refers to itself: what comes round again could be anything.
    var isRecursive = false
    /// A fault was reported in it, so that it may say less than was meant.
    var isFaulty = false

    /// The model with that said.
    var faulty: SchemaModel {
        var model = self
        model.isFaulty = true
        return model
    }

    /// Where a part of the schema is written, with the range of a member's name in it or of the part itself.
    func place(of id: SchemaNode.ID?, keyword: String? = nil) -> (node: Node, range: SourceRange)? {
        guard let id, let document = documents[compiled.nodes[id].document] else { return nil }
        guard let part = document.find(compiled.nodes[id].pointer) else { return nil }
        if let keyword, let member = part.member(keyword) { return (member.value, member.keyRange) }
        return (part, part.members?.first?.keyRange ?? part.range)
    }

    /// Where the schema begins.
    var range: SourceRange? { node.map { $0.members?.first?.keyRange ?? $0.range } }
}

/// The schemas of a collection. Nil ones are at fault, which has been reported.
public struct CollectionModel: Sendable {
    /// What written documents must fit.
    public let write: SchemaModel?
    /// What documents are read and reduced by: the same, where there is no `readSchema`.
    public let read: SchemaModel?
    /// Whether the collection has no schema of its own but the columns of its table.
    public let isTable: Bool

    /// Whether nothing more can be said of a location than what the schema shows.
    var isOpen: Bool { isTable || (read?.isOpen ?? true) }

    /// A collection that nothing is known of.
    static let unknown = CollectionModel(write: nil, read: nil, isTable: false)
}
