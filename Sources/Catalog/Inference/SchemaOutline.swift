import JSON
import JSONSchema

/// What a schema says of each location, in words: what two schemas are compared by.
public struct SchemaOutline: Sendable {
    /// A location that the schema names.
    public struct Location: Sendable {
        /// The location's field: its pointer without the first slash.
        public let field: String
        /// The field of what it is in; empty for the document.
        public let parent: String
        /// What the schema says of it by aspect, each in words that go on after the location: `can be string`.
        public let says: [(aspect: String, words: String)]
    }

    /// In the schema's order, an object before what is in it.
    public let locations: [Location]

    /// What nothing is known of.
    public static let empty = SchemaOutline(locations: [])
}

extension SchemaModel {
    /// The schema's outline. Nobody's own schema (that of a table) has none.
    public var outline: SchemaOutline {
        guard node != nil else { return .empty }
        return SchemaOutline(
            locations: shape.locations().map { location in
                let tokens = location.pointer.tokens
                return SchemaOutline.Location(
                    field: location.pointer.fieldName,
                    parent: JSONPointer(Array(tokens.dropLast())).fieldName,
                    says: location.shape.says(location.existence))
            })
    }
}

extension Shape {
    fileprivate func says(_ existence: Existence) -> [(aspect: String, words: String)] {
        if existence == .cannot { return [("existence", "can't be there")] }
        var says = [("existence", existence == .must ? "must be there" : "may be left out")]
        says.append(("type", types == .all ? "can be of any type" : "can be \(ShapeInspection.phrase(types))"))
        says.append(("format", format.map { "has the format \($0)" } ?? "has no format"))
        switch reduction {
        case .unset: says.append(("reduce", "is not reduced"))
        case .strategy(let strategy): says.append(("reduce", "is reduced by \(strategy.name)"))
        case .several: says.append(("reduce", "is reduced in several ways"))
        }
        says.append(("redact", redact.map { "is redacted by \($0)" } ?? "is not redacted"))
        return says
    }
}
