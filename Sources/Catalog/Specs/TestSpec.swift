import Diagnostics
import YAML

/// A test as written.
public struct TestSpec: Sendable {
    /// One step: documents in, or documents expected.
    public struct Step: Sendable {
        /// What a step does.
        public enum Kind: String, Sendable { case ingest, verify }

        /// Its place in the list.
        public let index: Int
        public let kind: Kind
        /// What stands under `ingest` or `verify`.
        public let node: Node
        /// Where that word is written.
        public let range: SourceRange
        /// The collection; nil for one at fault.
        public let collection: LocatedText?
        /// The documents, from their file where they are given as one; nil where that is at fault.
        public let documents: [Node]?
        /// What stands in the documents' place, or what the file that is named there holds; nil where that is at fault.
        let list: Node?
        /// What the step shows; empty where nothing is said.
        public let description: String

        /// The selection of partitions of a verified collection.
        var partitions: Node? { node["collection"]?["partitions"] }
    }

    /// Its name.
    public let name: EntityName
    /// What it shows; empty where nothing is said.
    public let description: String
    public let steps: [Step]

    /// Reads the value under a name: an object with `steps`, or the list of steps itself.
    init(_ name: EntityName, _ files: LoadedCatalog) {
        self.name = name
        description = name.node["description"]?.string ?? ""
        let items = name.node.items ?? name.node["steps"]?.items ?? []
        steps = items.enumerated().compactMap { index, item in
            for kind in [Step.Kind.ingest, .verify] {
                guard let member = item.member(kind.rawValue) else { continue }
                let node = member.value
                let collection = node["collection"]
                let list = node["documents"].flatMap(files.resolve)
                return Step(
                    index: index, kind: kind, node: node, range: member.keyRange,
                    collection: LocatedText(collection) ?? LocatedText(collection?["name"]),
                    documents: list?.items, list: list,
                    description: node["description"]?.string ?? "")
            }
            return nil
        }
    }
}
