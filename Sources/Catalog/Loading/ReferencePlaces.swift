import YAML

/// The places of a catalog file where a string names a file instead of the value itself.
enum ReferencePlaces {
    /// A value that may be such a string.
    struct Place {
        let node: Node
        /// The value of the file that the place is in.
        let root: Node
        let isSchema: Bool
    }

    /// All such places of a file, in the order written.
    static func all(in root: Node) -> [Place] {
        var places: [Place] = []
        for kind in ["captures", "materializations"] {
            for task in root[kind]?.members ?? [] {
                if let config = task.value["endpoint"]?["connector"]?["config"] {
                    places.append(Place(node: config, root: root, isSchema: false))
                }
                for binding in task.value["bindings"]?.items ?? [] where binding["disable"]?.bool != true {
                    if let resource = binding["resource"] {
                        places.append(Place(node: resource, root: root, isSchema: false))
                    }
                }
            }
        }
        for collection in root["collections"]?.members ?? [] {
            for name in ["schema", "writeSchema", "readSchema"] {
                if let schema = collection.value[name] {
                    places.append(Place(node: schema, root: root, isSchema: true))
                }
            }
        }
        for test in root["tests"]?.members ?? [] {
            for step in test.value.items ?? test.value["steps"]?.items ?? [] {
                for kind in ["ingest", "verify"] {
                    if let documents = step[kind]?["documents"] {
                        places.append(Place(node: documents, root: root, isSchema: false))
                    }
                }
            }
        }
        return places
    }

    /// The strings of a schema that refer to schemas.
    static func schemaReferences(in schema: Node) -> [Node] {
        keywords(["$ref", "$dynamicRef"], in: schema).map(\.value).filter { $0.string != nil }
    }

    /// The URIs that parts of a schema give themselves.
    static func schemaNames(in schema: Node) -> Set<String> {
        Set(keywords(["$id"], in: schema).compactMap(\.value.string))
    }

    /// The members of this name that annotate, not those that are properties of that name.
    static func annotations(_ name: String, in schema: Node) -> [Node.Member] {
        keywords([name], in: schema)
    }

    /// The members of schemas within a schema, by name, in the order written.
    private static func keywords(_ names: [String], in schema: Node) -> [Node.Member] {
        // Most schemas have none, and that is told without a view of each of their nodes.
        guard schema.mentions(names) else { return [] }
        var found: [Node.Member] = []
        var waiting = [SchemaPart(node: schema, isMap: false)]
        while let part = waiting.popLast() {
            if !part.isMap { found += (part.node.members ?? []).filter { names.contains($0.key) } }
            waiting += parts(of: part).reversed()
        }
        return found
    }

    /// A schema, a list of schemas, or what has them by names that the author chose.
    struct SchemaPart {
        let node: Node
        let isMap: Bool
    }

    /// The next parts that can have schemas; not what stands for data.
    static func parts(of part: SchemaPart) -> [SchemaPart] {
        let data: Set = ["const", "enum", "default", "examples", "reduce", "redact"]
        var next = (part.node.items ?? []).map { SchemaPart(node: $0, isMap: false) }
        for member in part.node.members ?? [] {
            if part.isMap {
                next.append(SchemaPart(node: member.value, isMap: false))
            } else if !data.contains(member.key), !member.key.hasPrefix("x-") {
                next.append(SchemaPart(node: member.value, isMap: maps.contains(member.key)))
            }
        }
        return next
    }

    /// Keywords whose members are names that the schema's author chose.
    private static let maps: Set<String> = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
    ]
}
