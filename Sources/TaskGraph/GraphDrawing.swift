/// A task graph as nodes and arrows, in the order of the catalog: what Mermaid and Graphviz draw.
struct GraphDrawing {
    /// What a node stands for.
    enum Kind { case capture, collection, materialization }

    /// A task or a collection.
    struct Node {
        let kind: Kind
        let label: String
    }

    /// A binding, from and to a place in `nodes`.
    struct Arrow: Hashable {
        let from: Int
        let to: Int
        let label: String
    }

    /// In the order met.
    private(set) var nodes: [Node] = []
    /// In the order of tasks and bindings.
    private(set) var arrows: [Arrow] = []
    private var collections: [String: Int] = [:]

    /// Enabled tasks and bindings only.
    init(_ graph: CompiledGraph) {
        for task in graph.captures where !task.isDisabled {
            let place = add(.capture, task.name)
            for binding in task.bindings where !binding.isDisabled {
                let target = collection(binding.collection)
                arrows.append(Arrow(from: place, to: target, label: "\(binding.namespace).\(binding.stream)"))
            }
        }
        for task in graph.materializations where !task.isDisabled {
            let place = add(.materialization, task.name)
            for binding in task.bindings where !binding.isDisabled {
                let kind = binding.deltaUpdates ? " (delta)" : ""
                let source = collection(binding.collection)
                arrows.append(Arrow(from: source, to: place, label: "\(binding.schema).\(binding.table)\(kind)"))
            }
        }
    }

    private mutating func add(_ kind: Kind, _ label: String) -> Int {
        nodes.append(Node(kind: kind, label: label))
        return nodes.count - 1
    }

    private mutating func collection(_ name: String) -> Int {
        if let place = collections[name] { return place }
        let place = add(.collection, name)
        collections[name] = place
        return place
    }
}
