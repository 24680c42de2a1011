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
        return places
    }

    /// The strings of a schema that refer to schemas.
    static func schemaReferences(in schema: Node) -> [Node] {
        var found: [Node] = []
        var waiting = [schema]
        while let node = waiting.popLast() {
            for member in node.members ?? [] {
                if member.key == "$ref" || member.key == "$dynamicRef" {
                    found.append(member.value)
                } else if !["const", "enum", "default", "examples"].contains(member.key) {
                    waiting.append(member.value)
                }
            }
            waiting += node.items ?? []
        }
        return found
    }
}
