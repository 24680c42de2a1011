import JSON
import JSONSchema

/// Reduces documents of one key into one, as the annotations say that the later document's schema gives to it.
///
/// A partial reduction knows only some of a document's history: it keeps what a set removes and what is deleted, and
/// leaves what is not associative apart. A full one begins with the first document.
struct Reducer: Sendable {
    /// Why two values can't be reduced.
    struct Failure: Error {
        let location: JSONPointer
        let message: String
    }

    /// What became of two documents.
    enum Outcome {
        /// One document, deleted or not.
        case reduced(JSONValue, isDeleted: Bool)
        /// They stay apart: the reduction is not associative.
        case apart
    }

    let schema: CompiledSchema
    let isFull: Bool
    private let inPlace: InPlaceSchemas

    /// A reducer by a schema's annotations.
    init(_ schema: CompiledSchema, isFull: Bool = false) {
        self.schema = schema
        self.isFull = isFull
        inPlace = InPlaceSchemas(schema)
    }

    /// Reduces a later document, which must be valid by the schema, into an earlier one.
    func reduce(_ left: JSONValue, _ right: JSONValue) throws(Failure) -> Outcome {
        let strategies = strategies(of: right)
        let isAssociative = !strategies.values.contains {
            if case .lastWriteWins(associative: false, delete: _) = $0 { true } else { false }
        }
        if !isAssociative, !isFull { return .apart }
        let walk = Walk(strategies: strategies, isFull: isFull)
        let result = try walk.reduce(left, right, at: .root, against: .root)
        return .reduced(result.value, isDeleted: result.isDeleted)
    }

    /// The strategy of each location of a document that any schema gives one. Of several the one of the schema that
    /// refers to the others wins, else the first.
    private func strategies(of document: JSONValue) -> [JSONPointer: ReduceStrategy] {
        var chosen: [JSONPointer: (strategy: ReduceStrategy, schema: SchemaNode.ID)] = [:]
        for annotation in schema.annotations(named: ["reduce"], of: document) {
            guard let strategy = try? ReduceStrategy(annotation.value) else { continue }
            if let known = chosen[annotation.instance], !inPlace.contains(known.schema, in: annotation.schema) {
                continue
            }
            chosen[annotation.instance] = (strategy, annotation.schema)
        }
        return chosen.mapValues(\.strategy)
    }
}

/// Which schemas apply to the same value as another, directly or through others.
private final class InPlaceSchemas: Sendable {
    private let schema: CompiledSchema

    init(_ schema: CompiledSchema) { self.schema = schema }

    func contains(_ inner: SchemaNode.ID, in outer: SchemaNode.ID) -> Bool {
        var seen: Set<SchemaNode.ID> = []
        var waiting = [outer]
        while let id = waiting.popLast() {
            let node = schema.nodes[id]
            var next = node.allOf + node.anyOf + node.oneOf + node.dependentSchemas.map(\.id)
            if let reference = node.reference { next.append(reference) }
            if let (condition, then, otherwise) = node.conditional {
                next += [condition] + [then, otherwise].compactMap(\.self)
            }
            if next.contains(inner) { return true }
            waiting += next.filter { seen.insert($0).inserted }
        }
        return false
    }
}
