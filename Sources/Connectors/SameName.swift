import JSON

/// Names as databases compare them: by their bytes. Swift's `==` of two texts joins `é` and `e` with an accent, and a table can
/// have a column of each name; sets and dictionaries of names are keyed by `JSONKey`, which compares so too.
extension String {
    /// Whether a database takes both for one name.
    public func isSameName(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension Sequence<String> {
    /// Whether one of the names is this one.
    public func containsName(_ name: String) -> Bool { contains { $0.isSameName(as: name) } }

    /// Whether both have the same names in the same order.
    public func areSameNames(as others: some Sequence<String>) -> Bool {
        elementsEqual(others) { $0.isSameName(as: $1) }
    }

    /// The names without their order.
    public var nameSet: Set<JSONKey> { Set(map(JSONKey.init)) }
}
