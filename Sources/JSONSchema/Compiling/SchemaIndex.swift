import JSON

/// Where the schemas of all documents are: by URI, by anchor, and with the base URI of each.
struct SchemaIndex {
    /// A place in one of the documents.
    struct Location: Hashable {
        /// Its place among the documents.
        let document: Int
        /// The way from the document's root.
        let pointer: JSONPointer
    }

    /// A schema with a URI of its own.
    struct Resource {
        /// Its absolute URI.
        let uri: URIReference
        /// Its root.
        let location: Location
        /// The keywords that count here.
        let vocabularies: Vocabularies
        /// Places by `$anchor` and `$dynamicAnchor`.
        var anchors: [String: Location] = [:]
        /// Places by `$dynamicAnchor`.
        var dynamicAnchors: [String: Location] = [:]
    }

    private(set) var documents: [(uri: String, value: JSONValue)] = []
    private(set) var resources: [Resource] = []
    private(set) var faults: [SchemaFault] = []
    private var byURI: [String: Int] = [:]
    private var byLocation: [Location: Int] = [:]
    /// Metaschemas of our own with a `$vocabulary`, gathered before anything is indexed.
    private let vocabularies: [String: Vocabularies]

    /// Walks all documents once.
    init(_ documents: [(uri: String, value: JSONValue)]) {
        var vocabularies: [String: Vocabularies] = [:]
        for document in documents {
            guard let declared = document.value["$vocabulary"]?.objectValue else { continue }
            let found = Vocabularies(declared)
            vocabularies[URIReference(document.uri).resource] = found
            if let id = document.value["$id"]?.stringValue { vocabularies[URIReference(id).resource] = found }
        }
        self.vocabularies = vocabularies
        for document in documents { add(document.uri, document.value) }
    }

    private mutating func add(_ uri: String, _ value: JSONValue) {
        let base = URIReference(uri)
        let place = documents.count
        documents.append((uri, value))
        let location = Location(document: place, pointer: .root)
        let root = addResource(base, location, value, parent: nil)
        walk(value, location, resource: root)
    }

    private mutating func addResource(
        _ uri: URIReference, _ location: Location, _ value: JSONValue, parent: Int?
    ) -> Int {
        var found = parent.map { resources[$0].vocabularies } ?? .standard
        if let schema = value["$schema"]?.stringValue {
            found = vocabularies[URIReference(schema).resource] ?? .standard
        }
        resources.append(Resource(uri: uri, location: location, vocabularies: found))
        let id = resources.count - 1
        byLocation[location] = id
        register(uri.resource, id)
        return id
    }

    private mutating func register(_ uri: String, _ id: Int) {
        if let known = byURI[uri], resources[known].location != resources[id].location {
            let location = resources[id].location
            report(location, "$id", "another schema has the id '\(uri)' already")
            return
        }
        byURI[uri] = id
    }

    private mutating func walk(_ value: JSONValue, _ location: Location, resource: Int) {
        guard case .object(let object) = value else { return }
        var resource = resource
        if let id = object["$id"] {
            resource = addIdentified(id, location, value, parent: resource)
        }
        for (keyword, isDynamic) in [("$anchor", false), ("$dynamicAnchor", true)] {
            guard let name = object[keyword] else { continue }
            guard let name = name.stringValue, Self.isAnchor(name) else {
                report(location, keyword, "'\(keyword)' must be a name of letters, digits, '-', '_' and '.'")
                continue
            }
            if let other = resources[resource].anchors[name], other != location {
                report(location, keyword, "another schema of this resource has the anchor '\(name)' already")
            }
            resources[resource].anchors[name] = location
            if isDynamic { resources[resource].dynamicAnchors[name] = location }
        }
        if object["$recursiveAnchor"] == true { resources[resource].dynamicAnchors[""] = location }
        Keyword.forEachSubschema(of: object) { tokens, child in
            let pointer = JSONPointer(location.pointer.tokens + tokens)
            walk(child, Location(document: location.document, pointer: pointer), resource: resource)
        }
    }

    /// Takes an `$id` in; the resource that holds from here on.
    private mutating func addIdentified(_ id: JSONValue, _ location: Location, _ value: JSONValue, parent: Int) -> Int {
        guard let text = id.stringValue else {
            report(location, "$id", "'$id' must be a string")
            return parent
        }
        var uri = resources[parent].uri.resolving(URIReference(text))
        if let fragment = uri.fragment, !fragment.isEmpty {
            report(location, "$id", "an '$id' can't have a fragment; use '$anchor'")
        }
        uri.fragment = nil
        if location.pointer.isRoot {
            // The document keeps the URI under which it was given as a second name.
            let root = resources[parent]
            resources[parent] = Resource(uri: uri, location: location, vocabularies: root.vocabularies)
            register(uri.resource, parent)
            return parent
        }
        return addResource(uri, location, value, parent: parent)
    }

    private static func isAnchor(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first == "_" || first.properties.isAlphabetic else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "-_.".unicodeScalars.contains($0))
        }
    }

    private mutating func report(_ location: Location, _ keyword: String, _ message: String) {
        faults.append(
            SchemaFault(
                document: documents[location.document].uri, pointer: location.pointer.appending(keyword),
                keyword: keyword, message))
    }

    /// The resource of a URI without fragment.
    func resource(_ uri: String) -> Int? { byURI[uri] }

    /// The value at a place and the resource that it belongs to; nil where nothing is there.
    func find(_ location: Location) -> (value: JSONValue, resource: Int)? {
        guard documents.indices.contains(location.document) else { return nil }
        var value = documents[location.document].value
        var pointer = JSONPointer.root
        guard var resource = byLocation[Location(document: location.document, pointer: .root)] else { return nil }
        // Most documents are one resource; then no place on the way needs to be looked up.
        let hasOthers = resources.count > documents.count
        for token in location.pointer.tokens {
            guard let next = JSONPointer([token]).find(in: value) else { return nil }
            value = next
            guard hasOthers else { continue }
            pointer.push(token)
            resource = byLocation[Location(document: location.document, pointer: pointer)] ?? resource
        }
        return (value, resource)
    }

    /// What a reference can lead to.
    enum Target {
        /// A place.
        case found(Location)
        /// No document of that URI was given.
        case noDocument(String)
        /// The document has no such place or anchor.
        case noPlace(String)
    }

    /// Resolves a reference that stands in a resource.
    func resolve(_ reference: String, from resource: Int) -> Target {
        let target = resources[resource].uri.resolving(URIReference(reference))
        guard let id = byURI[target.resource] else { return .noDocument(target.resource) }
        guard let fragment = target.fragment, !fragment.isEmpty else { return .found(resources[id].location) }
        guard let text = URIReference.decoded(fragment) else { return .noPlace(fragment) }
        if text.hasPrefix("/") {
            guard let pointer = JSONPointer(parsing: text) else { return .noPlace(text) }
            let root = resources[id].location
            let location = Location(document: root.document, pointer: root.pointer.appending(pointer))
            return find(location) == nil ? .noPlace(text) : .found(location)
        }
        return resources[id].anchors[text].map { .found($0) } ?? .noPlace(text)
    }
}
