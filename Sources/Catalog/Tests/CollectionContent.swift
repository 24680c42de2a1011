import JSON
import YAML

/// What a collection holds in the course of a test: documents by key, each key's reduced to one as they come.
struct CollectionContent {
    private let key: DocumentKey
    private let reducer: Reducer?
    /// By key; several where their reduction is not associative.
    private var documents: [[JSONValue]: [JSONValue]] = [:]

    /// An empty collection.
    init(_ collection: CollectionSpec) {
        key = DocumentKey(of: collection)
        reducer = collection.model.read.map { Reducer($0.compiled) }
    }

    /// Takes a document in.
    mutating func add(_ document: JSONValue) throws(Reducer.Failure) {
        let values = key.values(of: document)
        guard let reducer, let last = documents[values]?.last else {
            documents[values] = [document]
            return
        }
        switch try reducer.reduce(last, document) {
        case .apart: documents[values]?.append(document)
        case .reduced(let reduced, isDeleted: _):
            documents[values]?.removeLast()
            documents[values]?.append(reduced)
        }
    }

    /// All documents in the order of the key; those of one key in the order in which they came.
    var ordered: [JSONValue] {
        documents.sorted { DocumentOrder.compare(.array($0.key), .array($1.key)) == .ascending }.flatMap(\.value)
    }
}
