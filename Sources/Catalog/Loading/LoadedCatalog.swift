import Diagnostics
import JSON
import YAML

/// All files of one catalog, read and parsed: nothing after this touches a disk.
public struct LoadedCatalog: Sendable {
    /// A file that a string of the catalog names, for a config, a resource, a schema or documents.
    struct Reference: Hashable {
        let file: SourceFile
        let text: String
    }

    /// The catalog's own files, the root first, then imports in the order met; each once.
    public internal(set) var documents: [Document] = []
    /// What the strings that name files lead to; nil where that was reported as a fault.
    var references: [Reference: Node?] = [:]
    /// References between schemas whose files can't be read, which was reported as a fault.
    var lost: Set<Reference> = []
    /// The values of all files that were read, for pointers that lead from a file's root.
    var roots: [SourceFile: Node] = [:]
    /// Schema documents by URI, for references between schemas.
    var schemas: [String: Node] = [:]
    /// The URIs that schemas give themselves or their parts, of all that were read.
    var schemaNames: Set<String> = []
    /// Whether all files could be read whole. Where not, names may be missing that the rest defines.
    public internal(set) var isComplete = true

    /// The value itself, or what the file that it names holds; nil where that file is at fault.
    func resolve(_ node: Node) -> Node? {
        guard let text = node.string else { return node }
        return references[Reference(file: node.file, text: text)] ?? nil
    }

    /// The URI by which schemas know a file: absolute, so that `..` leads where it does on the disk.
    static func uri(of path: String) -> String {
        "file://" + FilePath.encoded(FilePath.join(FileSystem.workingFolder, path))
    }
}
