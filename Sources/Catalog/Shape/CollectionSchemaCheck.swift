import Diagnostics
import JSON
import JSONSchema
import YAML

/// The schemas of collections are JSON Schema, of objects, and their references lead somewhere.
enum CollectionSchemaCheck {
    /// Reports the mistakes of every schema, at the place where they are written.
    static func run(_ catalog: CatalogSpecs, _ files: LoadedCatalog, _ diagnostics: inout DiagnosticCollector) {
        for collection in catalog.collections {
            for (name, schema) in [
                ("schema", collection.schema), ("writeSchema", collection.writeSchema),
                ("readSchema", collection.readSchema),
            ] {
                guard let schema else { continue }
                guard schema.members != nil || schema.bool != nil else { continue }
                checkObject(name, schema, collection, &diagnostics)
                check(schema, collection, files, &diagnostics)
            }
        }
    }

    private static func checkObject(
        _ name: String, _ schema: Node, _ collection: CollectionSpec, _ diagnostics: inout DiagnosticCollector
    ) {
        guard let type = schema["type"], let types = SchemaLocation.types(of: schema), types != ["object"] else {
            return
        }
        diagnostics.report(
            type.error(.schemaNotObject, "'\(name)' of \(collection.name.phrase) is not of type object"))
    }

    private static func check(
        _ schema: Node, _ collection: CollectionSpec, _ files: LoadedCatalog,
        _ diagnostics: inout DiagnosticCollector
    ) {
        var documents = files.schemas
        var compiler = SchemaCompiler(.flow)
        if ReferencePlaces.schemaReferences(in: schema).contains(where: { $0.string?.hasPrefix("#") == false }) {
            for (uri, node) in files.schemas.sorted(by: { $0.key < $1.key }) { compiler.add(node.value, uri: uri) }
            compiler.add(collection.writeSchema?.value ?? true, uri: "flow://write-schema")
            compiler.add(true, uri: "flow://relaxed-write-schema")
            compiler.add(true, uri: "flow://inferred-schema")
        }
        let pointer = schema.pointer
        let uri = LoadedCatalog.uri(of: schema.file.path) + (pointer.isRoot ? "" : "?ptr=\(pointer)")
        documents[uri] = schema
        do {
            _ = try compiler.compile(schema.value, uri: uri)
        } catch {
            for fault in error.faults { report(fault, documents[fault.document] ?? schema, &diagnostics) }
        }
    }

    private static func report(_ fault: SchemaFault, _ document: Node, _ diagnostics: inout DiagnosticCollector) {
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
        let isWide = node.members != nil || node.items != nil
        let range = fault.isAboutKey || isWide ? key ?? node.range : node.range
        diagnostics.report(
            .error(
                .badSchema, fault.message, at: range, pointer: node.pointer.description, notes: node.aliasNotes,
                hint: fault.subject.flatMap { Suggestion.hint(for: $0, among: fault.candidates) }))
    }
}
