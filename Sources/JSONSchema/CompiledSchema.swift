import JSON

/// A schema made ready to check values, with all schemas that it refers to.
public struct CompiledSchema: Sendable {
    /// All compiled schemas by their ids.
    public let nodes: [SchemaNode]
    /// The schema that was asked for.
    public let root: SchemaNode.ID
    /// For each resource the schemas that `$dynamicRef` can find in it, by anchor.
    let dynamicAnchors: [[String: SchemaNode.ID]]

    /// The schema that was asked for.
    public var rootNode: SchemaNode { nodes[root] }

    /// Whether a value is valid.
    public func isValid(_ value: JSONValue) -> Bool {
        var evaluation = Evaluation(self, value)
        return evaluation.isValid(value, root)
    }

    /// What makes a value invalid, in the order of the schema and the value; empty for a valid one.
    public func validate(_ value: JSONValue) -> [SchemaFailure] {
        var quick = Evaluation(self, value)
        if quick.isValid(value, root) { return [] }
        if quick.isExhausted { return quick.finishedFailures() }
        var evaluation = Evaluation(self, value, mode: .failures)
        _ = evaluation.isValid(value, root)
        return evaluation.finishedFailures()
    }

    /// The annotations of the given names that apply to a value and to what is in it.
    ///
    /// By JSON Schema's rules a schema that fails annotates nothing; `evenInvalid` takes the annotations of failing
    /// schemas too, as is right for `secret`.
    public func annotations(
        named names: Set<String>, of value: JSONValue, evenInvalid: Bool = false
    ) -> [SchemaAnnotation] {
        var evaluation = Evaluation(self, value, mode: .annotations(names, evenInvalid: evenInvalid))
        _ = evaluation.isValid(value, root)
        return evaluation.annotations
    }
}

/// A keyword that says something about a value without asserting anything.
public struct SchemaAnnotation: Sendable, Hashable {
    /// The value that is annotated.
    public let instance: JSONPointer
    /// The keyword, such as `reduce`.
    public let keyword: String
    /// The keyword's value.
    public let value: JSONValue
    /// The schema that says so.
    public let schema: SchemaNode.ID
}
