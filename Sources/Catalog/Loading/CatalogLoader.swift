import Diagnostics
import JSON
import YAML

/// Reads a catalog's files: the root, what it imports, and the files that configs and schemas are given as.
///
/// Keeps what it has read, so that of several catalogs with a common import that file is read and reported once.
public struct CatalogLoader {
    private var known: [String: Document] = [:]
    private var unreadable: [String: SourceFile] = [:]

    /// A loader that has read nothing.
    public init() {}

    /// Reads a catalog from its root file; `-` is standard input. Faults go to the collector.
    public mutating func load(_ path: String, _ diagnostics: inout DiagnosticCollector) -> LoadedCatalog {
        var catalog = LoadedCatalog()
        var seen: Set<String> = [FileSystem.identity(path)]
        guard let root = read(path, namedBy: nil, &diagnostics) else {
            catalog.isComplete = false
            return catalog
        }
        var waiting = [root]
        while !waiting.isEmpty {
            let document = waiting.removeFirst()
            catalog.documents.append(document)
            if !document.isComplete { catalog.isComplete = false }
            waiting += imports(of: document, &seen, &catalog, &diagnostics)
        }
        for document in catalog.documents {
            guard let root = document.root else { continue }
            for place in ReferencePlaces.all(in: root) { follow(place, &catalog, &diagnostics) }
        }
        return catalog
    }

    private mutating func imports(
        of document: Document, _ seen: inout Set<String>, _ catalog: inout LoadedCatalog,
        _ diagnostics: inout DiagnosticCollector
    ) -> [Document] {
        var found: [Document] = []
        for node in document.root?["import"]?.items ?? [] {
            guard let name = node.string, !name.isEmpty else { continue }
            // The form of a name is the shape's matter.
            guard !name.contains(" ") else {
                catalog.isComplete = false
                continue
            }
            guard let path = Self.path(name, namedBy: node, &diagnostics) else {
                catalog.isComplete = false
                continue
            }
            guard seen.insert(FileSystem.identity(path)).inserted else { continue }
            guard let document = read(path, namedBy: node, &diagnostics) else {
                seen.remove(FileSystem.identity(path))
                catalog.isComplete = false
                continue
            }
            found.append(document)
        }
        return found
    }

    /// The path of a file that a node names; nil, and a diagnostic, for what is no file.
    private static func path(
        _ name: String, namedBy node: Node, _ diagnostics: inout DiagnosticCollector
    ) -> String? {
        let local = FilePath.local(name)
        if let scheme = FilePath.scheme(of: local) {
            diagnostics.report(notAFile(scheme, node))
            return nil
        }
        let path = FilePath.join(FilePath.folder(of: node.file.path), local)
        if FileSystem.exists(path) { return path }
        // Names in a hosted catalog are relative URLs, in which a space can only be written as %20.
        return FilePath.decoded(path).flatMap { FileSystem.exists($0) ? $0 : nil } ?? path
    }

    private static func notAFile(_ scheme: String, _ node: Node) -> Diagnostic {
        node.error(
            .notAFile, "'\(scheme)://' can't be read: only files \(scheme == "file" ? "of this machine " : "")can",
            hint: "download it and name the file's path")
    }

    /// The document of a file, read unless it is known; nil, and a diagnostic at the place of its name, where it can't be.
    private mutating func read(
        _ path: String, namedBy node: Node?, _ diagnostics: inout DiagnosticCollector
    ) -> Document? {
        let identity = FileSystem.identity(path)
        if let document = known[identity] { return document }
        do {
            let bytes = try FileSystem.read(path)
            let file = SourceFile(path: path == "-" ? "<stdin>" : path, bytes: bytes)
            let document = Document.parse(file, &diagnostics)
            known[identity] = document
            if document.root.map(\.isNull) ?? document.isComplete {
                diagnostics.report(
                    .warning(.emptyFile, "'\(file.path)' is empty", at: file.range(0, 0)))
            }
            return document
        } catch {
            let isSecret = SecretName.hasLogin(path) || path.lowercased().contains("password=")
            let message = isSecret ? "can't read the file" : "can't read '\(path)': \(error.reason)"
            let whole = FilePath.split(path).path
            let hint =
                whole != path && FileSystem.exists(whole)
                ? "name the whole file, without '#…'"
                : node == nil
                    ? "check the path and its permissions"
                    : "check the path, which is relative to the folder of the file that names it, and its permissions"
            diagnostics.report(
                node?.error(.unreadableFile, message, hint: hint) ?? unreadableRoot(path, identity, message, hint))
            return nil
        }
    }
}

extension CatalogLoader {
    /// A fault of a file that no other names: at its beginning, so that every form of output tells the file.
    private mutating func unreadableRoot(_ path: String, _ identity: String, _ message: String, _ hint: String?)
        -> Diagnostic
    {
        let file = unreadable[identity] ?? SourceFile(path: path == "-" ? "<stdin>" : path, bytes: [])
        unreadable[identity] = file
        return .error(.unreadableFile, message, at: file.range(0, 0), hint: hint, isSecret: true)
    }

    private mutating func follow(
        _ place: ReferencePlaces.Place, _ catalog: inout LoadedCatalog, _ diagnostics: inout DiagnosticCollector
    ) {
        var target: Node? = place.node
        if let text = place.node.string {
            let reference = LoadedCatalog.Reference(file: place.node.file, text: text)
            // What failed is told at each of its places.
            if (catalog.references[reference] ?? nil) == nil {
                catalog.references[reference] = .some(node(text, place, &catalog, &diagnostics))
            }
            target = catalog.resolve(place.node)
        }
        if place.isSchema, let target { followSchemas(target, &catalog, &diagnostics) }
    }

    /// The value that a `file` or `file#/pointer` leads to.
    private mutating func node(
        _ text: String, _ place: ReferencePlaces.Place, _ catalog: inout LoadedCatalog,
        _ diagnostics: inout DiagnosticCollector
    ) -> Node? {
        let (path, fragment) = FilePath.split(text)
        var full = place.node.file.path
        var root: Node? = place.root
        if !path.isEmpty {
            guard let found = Self.path(path, namedBy: place.node, &diagnostics) else { return nil }
            full = found
            guard let document = read(full, namedBy: place.node, &diagnostics) else { return nil }
            guard document.isComplete else { return nil }
            root = document.root
        }
        if let root { catalog.roots[root.file] = root }
        for text in [fragment ?? "", fragment.flatMap(FilePath.decoded)].compactMap({ $0 }) {
            if let pointer = JSONPointer(parsing: text), let node = root?.find(pointer) { return node }
        }
        let what = fragment.map { "nothing is at '\($0)'" } ?? "nothing is"
        diagnostics.report(
            place.node.error(.danglingReference, "\(what) in '\(full)'"))
        return nil
    }

    /// Reads the files that a schema refers to, and those that they refer to.
    ///
    /// A reference is resolved as JSON Schema says, against the `$id`s around it; what is then the `$id` of a schema that was read
    /// is no file. Under an `$id` of another place (`https://…/order.json`), the file of that name beside this one stands for it.
    private mutating func followSchemas(
        _ schema: Node, _ catalog: inout LoadedCatalog, _ diagnostics: inout DiagnosticCollector
    ) {
        let links = SchemaLinks(of: schema, within: catalog.roots[schema.file])
        catalog.schemaNames.formUnion(links.names)
        for link in links.references {
            let name = link.target.resource
            guard !catalog.schemaNames.contains(name), catalog.schemas[name] == nil, let path = link.path else {
                continue
            }
            let isFile = link.target.scheme == "file"
            guard isFile || FileSystem.exists(FilePath.join(FilePath.folder(of: schema.file.path), path)),
                let full = Self.path(path, namedBy: link.node, &diagnostics)
            else { continue }
            let uri = isFile ? LoadedCatalog.uri(of: full) : name
            guard catalog.schemas[uri] == nil else { continue }
            // A definition's bare name: what was meant is said where the schema is compiled.
            let isDefinition = ["$defs", "definitions"].contains { schema[$0]?[link.text] != nil }
            if isDefinition, !FileSystem.exists(full) { continue }
            guard let root = read(full, namedBy: link.node, &diagnostics)?.root else {
                catalog.lost.insert(LoadedCatalog.Reference(file: link.node.file, text: link.text))
                continue
            }
            catalog.schemas[uri] = root
            followSchemas(root, &catalog, &diagnostics)
        }
    }
}
