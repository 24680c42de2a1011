import JSON
import JSONSchema
import YAML

/// What the parts of a schema call themselves and what they refer to, as URIs (JSON Schema core, 8.2).
struct SchemaLinks {
    /// A `$ref` or `$dynamicRef`.
    struct Link {
        /// The string.
        let node: Node
        /// As written.
        let text: String
        /// What the `$id`s around it make of it, without fragment.
        let target: URIReference
        /// The file of it, as named by the file that the reference is in; nil for what is no file.
        let path: String?

        fileprivate init(node: Node, text: String, base: URIReference) {
            self.node = node
            self.text = text
            let reference = URIReference(text)
            var target = base.resolving(reference)
            target.fragment = nil
            self.target = target
            let written = FilePath.split(FilePath.local(text)).path
            let isMoved = base.resource != LoadedCatalog.uri(of: node.file.path)
            if reference.scheme == nil, isMoved, target.scheme == "file" {
                path = FilePath.local(target.resource)
            } else {
                path = [nil, "file"].contains(reference.scheme) && !written.isEmpty ? written : nil
            }
        }
    }

    /// In the order written; those within the same document, by a fragment alone, are not in it.
    private(set) var references: [Link] = []
    /// Every `$id` of the file, resolved, without fragment.
    private(set) var names: Set<String> = []

    /// Reads a schema, which may be a part of a file whose root has an `$id`.
    init(of schema: Node, within root: Node?) {
        var base = URIReference(LoadedCatalog.uri(of: schema.file.path))
        if let root, !schema.pointer.isRoot {
            names = SchemaLinks(of: root, within: nil).names
            var around = root
            for token in schema.pointer.tokens {
                base = Self.base(of: around, base)
                guard let next = around.find(JSONPointer([token])) else { break }
                around = next
            }
        }
        guard schema.mentions(["$id", "$ref", "$dynamicRef"]) else { return }
        walk(ReferencePlaces.SchemaPart(node: schema, isMap: false), base)
    }

    private mutating func walk(_ part: ReferencePlaces.SchemaPart, _ outer: URIReference) {
        var base = outer
        if !part.isMap {
            base = Self.base(of: part.node, outer)
            if base != outer { names.insert(base.resource) }
            for keyword in ["$ref", "$dynamicRef"] {
                guard let node = part.node[keyword], let text = node.string, !text.hasPrefix("#") else { continue }
                references.append(Link(node: node, text: text, base: base))
            }
        }
        for next in ReferencePlaces.parts(of: part) { walk(next, base) }
    }

    private static func base(of schema: Node, _ outer: URIReference) -> URIReference {
        guard let id = schema["$id"]?.string else { return outer }
        var base = outer.resolving(URIReference(id))
        base.fragment = nil
        return base
    }
}
