import JSON
import JSONSchema

/// Whether a location has a value in every document.
enum Existence: Int, Sendable, Comparable {
    /// The schema forbids it.
    case cannot
    /// The schema says nothing of it, which allows it.
    case implicit
    /// It may be left out.
    case may
    /// Every document has it.
    case must

    /// The weaker of the two.
    static func < (left: Existence, right: Existence) -> Bool { left.rawValue < right.rawValue }
}

extension Shape {
    /// What is at a pointer, and whether it must be.
    func locate(_ pointer: JSONPointer) -> (shape: Shape, existence: Existence) {
        var shape = self
        var existence = Existence.must
        for token in pointer.tokens {
            let next = shape.locate(token)
            (shape, existence) = (next.shape, min(existence, next.existence))
        }
        return (shape, shape.isImpossible ? .cannot : existence)
    }

    private func locate(_ token: String) -> (shape: Shape, existence: Existence) {
        if types.contains(.array), let index = JSONPointer.arrayIndex(token) { return item(index) }
        guard types.contains(.object) else { return (.nothing, .cannot) }
        if let property = property(token) {
            return (property.shape, types == .object && property.isRequired ? .must : .may)
        }
        if let shape = unnamedProperty(token) { return (shape, .may) }
        return (.anything, .implicit)
    }

    private func item(_ index: Int) -> (shape: Shape, existence: Existence) {
        let shape = index < tuple.count ? tuple[index] : additionalItems?.shape ?? .anything
        if types == .array, index < minItems { return (shape, .must) }
        if let maxItems, index >= maxItems { return (shape, .cannot) }
        let isMentioned = maxItems != nil || index < tuple.count || additionalItems != nil
        return (shape, isMentioned ? .may : .implicit)
    }

    /// A location that the schema names, not by a pattern.
    struct Location {
        let pointer: JSONPointer
        let shape: Shape
        let existence: Existence
    }

    /// All of them below this one, in the schema's order, an object before what is in it. Deep ones are left out.
    func locations() -> [Location] {
        var found: [Location] = []
        collect(.root, .must, &found)
        return found
    }

    private func collect(_ pointer: JSONPointer, _ existence: Existence, _ found: inout [Location]) {
        guard pointer.tokens.count < 24, found.count < 10_000 else { return }
        var inner: [Location] = []
        for property in properties where !property.name.isEmpty {
            let own: Existence = types == .object && property.isRequired ? .must : .may
            inner.append(
                Location(
                    pointer: pointer.appending(property.name), shape: property.shape, existence: min(existence, own)))
        }
        for (index, shape) in tuple.enumerated() {
            let own: Existence = types == .array && index < minItems ? .must : .may
            inner.append(
                Location(pointer: pointer.appending(index), shape: shape, existence: min(existence, own)))
        }
        for location in inner {
            let existence = location.shape.isImpossible ? .cannot : location.existence
            found.append(Location(pointer: location.pointer, shape: location.shape, existence: existence))
            location.shape.collect(location.pointer, existence, &found)
        }
    }
}
