import YAML

/// A catalog as typed values: the union of its files, in the order written.
public struct CatalogSpecs: Sendable {
    /// In the order written.
    public internal(set) var captures: [CaptureSpec] = []
    /// In the order written.
    public internal(set) var collections: [CollectionSpec] = []
    /// In the order written.
    public internal(set) var materializations: [MaterializationSpec] = []
    /// In the order written.
    public internal(set) var tests: [TestSpec] = []
    /// Keys that begin with `x-` and look like entities.
    var extensions: [(kind: EntityName.Kind, member: Node.Member)] = []
    /// Whether nothing is missing that a file which can't be read might define.
    public internal(set) var isComplete = true
    /// The first place of each name in `collections`.
    var collectionPlaces: [String: Int] = [:]
    /// The first place of each name in `captures`.
    var capturePlaces: [String: Int] = [:]

    /// The first collection of that name; nil where there is none.
    public func collection(_ name: String) -> CollectionSpec? { collectionPlaces[name].map { collections[$0] } }
    /// The first capture of that name; nil where there is none.
    public func capture(_ name: String) -> CaptureSpec? { capturePlaces[name].map { captures[$0] } }
}
