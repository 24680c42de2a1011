import Diagnostics
import JSON
import JSONSchema
import YAML

/// The schemas of collections are JSON Schema, of objects, without contradictions, and their references lead somewhere.
struct CollectionSchemaCheck {
    private let files: LoadedCatalog

    /// Compiles the schemas of every collection and reports their mistakes where they are written.
    static func run(
        _ catalog: CatalogSpecs, _ files: LoadedCatalog, _ diagnostics: inout DiagnosticCollector
    ) -> [CollectionModel] {
        let check = CollectionSchemaCheck(files: files)
        return catalog.collections.map { check.model(of: $0, &diagnostics) }
    }

    private func model(of collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector) -> CollectionModel {
        let names = ["schema", "writeSchema", "readSchema"]
        if names.allSatisfy({ collection.name.node[$0] == nil }) {
            return CollectionModel(write: .table, read: .table, isTable: true)
        }
        let schema = model("schema", collection.schema, collection, &diagnostics)
        let write = model("writeSchema", collection.writeSchema, collection, &diagnostics)
        let read = model("readSchema", collection.readSchema, collection, &diagnostics)
        return CollectionModel(write: schema ?? write, read: schema ?? read, isTable: false)
    }

    private func model(
        _ name: String, _ schema: Node?, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) -> SchemaModel? {
        guard let schema, !schema.isBroken, !schema.isCut else { return nil }
        guard schema.members != nil || schema.bool != nil else {
            // What is written in the schema's own place has been checked by the catalog's schema.
            guard collection.name.node[name]?.string != nil else { return nil }
            diagnostics.report(
                schema.error(.badSchema, "a schema is an object, true or false, not \(schema.kind.phrase)"))
            return nil
        }
        let errors = diagnostics.errorCount
        guard name == "readSchema" || !refersToHosted(schema, isBoth: name == "schema", &diagnostics) else {
            return nil
        }
        // A schema with an unknown keyword still says enough to check keys and projections in the same run.
        let model =
            compile(schema, collection, .flow, &diagnostics)
            ?? silently { compile(schema, collection, .init(isStrict: false, assertsFormat: true), &$0) }?.faulty
        checkReductions(schema, &diagnostics)
        checkRedactions(schema, &diagnostics)
        guard let model else { return nil }
        checkFormats(model, &diagnostics)
        if diagnostics.errorCount > errors { return model }
        guard model.shape.types == .object || model.isOpen else {
            let type = schema["type"]
            diagnostics.report(
                (type ?? schema).error(
                    .schemaNotObject, "'\(name)' of \(collection.name.phrase) is not of type object",
                    hint: type == nil ? "add 'type: object'" : nil))
            return nil
        }
        inspect(model, &diagnostics)
        return model
    }

    /// The names that the hosted service gives to schemas that it puts in a readSchema.
    private static let hostedNames = ["flow://write-schema", "flow://relaxed-write-schema", "flow://inferred-schema"]

    /// Reports references, from a schema that is no readSchema, to what stands for other schemas in a readSchema.
    /// A `schema` is for reading too, and may be open to what was inferred.
    private func refersToHosted(_ schema: Node, isBoth: Bool, _ diagnostics: inout DiagnosticCollector) -> Bool {
        let own = ReferencePlaces.schemaNames(in: schema)
        let wrong = ReferencePlaces.schemaReferences(in: schema).filter { node in
            guard let name = node.string, Self.hostedNames.contains(name), !own.contains(name) else { return false }
            return !isBoth || name != "flow://inferred-schema"
        }
        for node in wrong {
            diagnostics.report(
                node.error(
                    .badSchema, "'\(node.string ?? "")' has a meaning in a 'readSchema' only",
                    hint: "give the collection a 'writeSchema', and a 'readSchema' that refers to it"))
        }
        return !wrong.isEmpty
    }

    // MARK: Compiling

    private func silently(_ body: (inout DiagnosticCollector) -> SchemaModel?) -> SchemaModel? {
        var ignored = DiagnosticCollector()
        return body(&ignored)
    }

    private func compile(
        _ schema: Node, _ collection: CollectionSpec, _ options: SchemaCompiler.Options,
        _ diagnostics: inout DiagnosticCollector
    ) -> SchemaModel? {
        var documents = files.schemas
        var compiler = SchemaCompiler(options)
        let references = Set(ReferencePlaces.schemaReferences(in: schema).compactMap(\.string))
        if references.contains(where: { !$0.hasPrefix("#") }) {
            for (uri, node) in files.schemas.sorted(by: { $0.key < $1.key }) { compiler.add(node.value, uri: uri) }
            addFlowSchemas(of: collection, for: schema, references, to: &compiler, &documents)
        }
        let file = LoadedCatalog.uri(of: schema.file.path)
        let pointer = schema.pointer
        do {
            let compiled: CompiledSchema
            if let root = files.roots[schema.file], !schema.pointer.isRoot, !isInline(schema, in: collection) {
                compiler.add(root.value, uri: file)
                documents[file] = root
                compiled = try compiler.compile(reference: file + "#" + pointer.description)
            } else {
                let uri = file + (pointer.isRoot ? "" : "?ptr=\(pointer)")
                documents[uri] = schema
                compiled = try compiler.compile(schema.value, uri: uri)
            }
            let (shape, isComplete, isRecursive) = ShapeInference.infer(compiled)
            return SchemaModel(
                compiled: compiled, shape: shape, isOpen: !isComplete || references.contains("flow://inferred-schema"),
                node: schema,
                documents: documents, isRecursive: isRecursive)
        } catch {
            for fault in error.faults { report(fault, documents[fault.document] ?? schema, &diagnostics) }
            return nil
        }
    }

    /// The schemas that the hosted service puts in place of its own names, as far as they are used and not inlined.
    private func addFlowSchemas(
        of collection: CollectionSpec, for schema: Node, _ references: Set<String>, to compiler: inout SchemaCompiler,
        _ documents: inout [String: Node]
    ) {
        let own = ReferencePlaces.schemaNames(in: schema)
        let (write, relaxed, inferred) = (
            "flow://write-schema", "flow://relaxed-write-schema", "flow://inferred-schema"
        )
        let usesRelaxed = references.contains(relaxed) && !own.contains(relaxed)
        if usesRelaxed { compiler.add(["$ref": .string(write)], uri: relaxed) }
        if usesRelaxed || references.contains(write), !own.contains(write) {
            compiler.add(collection.writeSchema?.value ?? true, uri: write)
            documents[write] = collection.writeSchema
        }
        if references.contains(inferred), !own.contains(inferred) { compiler.add(true, uri: inferred) }
    }

    private func isInline(_ schema: Node, in collection: CollectionSpec) -> Bool {
        schema.file == collection.name.node.file && schema.pointer.starts(with: collection.name.node.pointer)
    }

    private func report(_ fault: SchemaFault, _ document: Node, _ diagnostics: inout DiagnosticCollector) {
        var node = document
        var key: SourceRange?
        for token in fault.pointer.tokens {
            if let member = node.member(token) {
                (node, key) = (member.value, member.keyRange)
            } else if let item = JSONPointer.arrayIndex(token).flatMap({ node[$0] }) {
                (node, key) = (item, nil)
            }
        }
        if node.isBroken { return }
        if let text = node.string, files.lost.contains(.init(file: node.file, text: text)) { return }
        let isWide = node.members != nil || node.items != nil
        let range = fault.isAboutKey || isWide ? key ?? node.range : node.range
        let guess = fault.subject.flatMap { Suggestion.hint(for: $0, among: fault.candidates) }
        diagnostics.report(
            .error(
                .badSchema, fault.message, at: range, pointer: node.pointer.description, notes: node.aliasNotes,
                hint: guess ?? (fault.keyword == "$ref" ? Self.definitionHint(node, document) : nil)))
    }

    /// For a reference to a definition by its bare name.
    private static func definitionHint(_ reference: Node, _ document: Node) -> String? {
        guard let name = reference.string else { return nil }
        if name.hasPrefix("http") { return "only files of this machine are read: download it and name the file's path" }
        for place in ["$defs", "definitions"] {
            guard let definition = document[place]?[name] else { continue }
            if name.contains(":") { return "give that definition its name: $id: \"\(name)\"" }
            return definition.isBroken ? nil : "write '#/\(place)/\(JSONPointer.escape(name))'"
        }
        return Suggestion.hint(for: name, among: hostedNames)
    }

    // MARK: Reductions and contradictions

    private func checkReductions(_ schema: Node, _ diagnostics: inout DiagnosticCollector) {
        for annotation in ReferencePlaces.annotations("reduce", in: schema) where !annotation.value.isBroken {
            do throws(ReduceStrategy.Fault) {
                _ = try ReduceStrategy(annotation.value.value)
            } catch {
                let member = error.member.flatMap { annotation.value.member($0) }
                let range = member?.value.range ?? annotation.keyRange
                diagnostics.report(
                    .error(
                        .badReduction, error.message, at: range,
                        pointer: (member?.value ?? annotation.value).pointer.description,
                        notes: annotation.value.aliasNotes, hint: error.hint))
            }
        }
    }

    private func checkRedactions(_ schema: Node, _ diagnostics: inout DiagnosticCollector) {
        let known = Redaction.strategies
        for annotation in ReferencePlaces.annotations("redact", in: schema) where !annotation.value.isBroken {
            let value = annotation.value
            guard value.members != nil, let strategy = value["strategy"] else {
                let name = value.string.flatMap { Suggestion.nearest(to: $0, among: known) } ?? "block"
                diagnostics.report(
                    annotation.keyError(
                        .badRedaction, "'redact' must be an object such as { strategy: block }",
                        hint: "write redact: { strategy: \(name) }"))
                continue
            }
            guard let name = strategy.string, known.contains(name) else {
                diagnostics.report(
                    strategy.error(
                        .badRedaction, "unknown redaction strategy\(strategy.string.map { " '\($0)'" } ?? "")",
                        hint: strategy.string.flatMap { Suggestion.hint(for: $0, among: known) } ?? "block or sha256"))
                continue
            }
            for member in value.members ?? [] where member.key != "strategy" {
                diagnostics.report(
                    member.keyError(.badRedaction, "strategy '\(name)' has no option '\(member.key)'"))
            }
        }
    }

    /// A format that nobody knows checks nothing, which is allowed; one that is nearly a known one was meant to.
    private func checkFormats(_ model: SchemaModel, _ diagnostics: inout DiagnosticCollector) {
        for node in model.compiled.nodes {
            guard let format = node.format, !Format.isKnown(format),
                let near = Suggestion.nearest(to: format, among: Format.names), !Self.isOtherWidth(format, near),
                let place = model.place(of: node.id, keyword: "format"), !place.node.isBroken
            else { continue }
            diagnostics.report(
                place.node.diagnostic(
                    .warning, .unknownFormat, "the format '\(format)' is unknown, and nothing is checked by it",
                    hint: "did you mean '\(near)'?"))
        }
    }

    /// `uint16` is no misspelt `uint32`.
    private static func isOtherWidth(_ one: String, _ other: String) -> Bool {
        one.filter { !$0.isNumber } == other.filter { !$0.isNumber }
    }

    private func inspect(_ model: SchemaModel, _ diagnostics: inout DiagnosticCollector) {
        if model.isOpen { return }
        for fault in ShapeInspection.faults(of: model.shape) {
            guard let place = model.place(of: fault.origin, keyword: fault.keyword) ?? place(of: model) else {
                continue
            }
            let location = fault.location.isEmpty ? "the document" : "'\(fault.location)'"
            diagnostics.report(
                .error(
                    .contradiction, "\(location) \(fault.message)", at: place.range,
                    pointer: place.node.pointer.description, notes: place.node.aliasNotes, hint: fault.hint))
        }
    }

    private func place(of model: SchemaModel) -> (node: Node, range: SourceRange)? {
        model.node.flatMap { node in model.range.map { (node, $0) } }
    }
}
