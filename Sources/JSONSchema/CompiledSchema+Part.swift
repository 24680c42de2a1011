import JSON

extension CompiledSchema {
    /// One of the schema's parts as a schema of its own: `$dynamicRef` begins its search there.
    public func part(_ id: SchemaNode.ID) -> CompiledSchema {
        CompiledSchema(nodes: nodes, root: id, dynamicAnchors: dynamicAnchors)
    }
}
