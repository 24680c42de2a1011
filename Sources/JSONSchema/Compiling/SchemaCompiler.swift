import JSON

/// Compiles JSON Schema, draft 2020-12, from documents in memory. Nothing is ever fetched.
public struct SchemaCompiler: Sendable {
    /// How the compiler reads schemas.
    public struct Options: Sendable {
        /// Keywords that are neither known nor start with `x-` are mistakes; without it they are annotations.
        public var isStrict = true
        /// `format` is checked; without it, it only annotates.
        public var assertsFormat = false

        /// Flow's reading: strict, formats checked.
        public static let flow = Options(isStrict: true, assertsFormat: true)
        /// The specification's reading: unknown keywords and formats annotate.
        public static let specification = Options(isStrict: false, assertsFormat: false)

        /// Options of one's own.
        public init(isStrict: Bool = true, assertsFormat: Bool = false) {
            self.isStrict = isStrict
            self.assertsFormat = assertsFormat
        }
    }

    private let options: Options
    private var documents: [(uri: String, value: JSONValue)] = []

    /// A compiler that knows no document but the metaschemas of draft 2020-12.
    public init(_ options: Options = .flow) {
        self.options = options
    }

    /// Adds a document that references may lead to. Its `$id` becomes a second name.
    /// Of documents with the same URI the last one counts.
    public mutating func add(_ document: JSONValue, uri: String) {
        documents.removeAll { $0.uri == uri }
        documents.append((uri, document))
    }

    /// Compiles one schema that stands alone or refers to the documents added before.
    public func compile(_ schema: JSONValue, uri: String = "schema:") throws(SchemaFaults) -> CompiledSchema {
        var compiler = self
        compiler.add(schema, uri: uri)
        return try compiler.compile(reference: uri)
    }

    /// Compiles the schema that a URI leads to, with a fragment where it is a part of a document.
    public func compile(reference: String) throws(SchemaFaults) -> CompiledSchema {
        try compile(references: [reference])[0]
    }

    /// Compiles the schemas that URIs lead to, in their order; what they share is compiled once.
    public func compile(references: [String]) throws(SchemaFaults) -> [CompiledSchema] {
        var known = documents
        if Metaschemas.areNeeded(by: documents.map(\.value))
            || references.contains(where: { $0.hasPrefix(Metaschemas.base) })
        {
            known.insert(contentsOf: Metaschemas.documents, at: 0)
        }
        let build = SchemaBuild(SchemaIndex(known), options)
        let schemas = build.compile(references)
        guard build.faults.isEmpty, let schemas else {
            throw SchemaFaults(
                faults: build.faults.isEmpty
                    ? [SchemaFault(document: references.first ?? "", pointer: .root, keyword: "", "no schema is there")]
                    : build.faults)
        }
        return schemas
    }
}
