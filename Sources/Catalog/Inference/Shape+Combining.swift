import JSON
import JSONSchema

extension Shape {
    /// What both say: a value must fit the two. What only one can say (`reduce`, `format`) is the left one's first.
    func intersecting(_ other: Shape) -> Shape {
        var result = self
        result.types = types.intersection(other.types)
        result.enumeration =
            enumeration.map { values in
                other.enumeration.map { others in values.filter(others.contains) } ?? values
            } ?? other.enumeration
        result.restrictToEnumeration()
        if reduction == .unset { result.reduction = other.reduction }
        result.format = format ?? other.format
        result.contentEncoding = contentEncoding ?? other.contentEncoding
        result.redact = redact ?? other.redact
        result.defaultValue = defaultValue ?? other.defaultValue
        result.minLength = max(minLength, other.minLength)
        result.maxLength = [maxLength, other.maxLength].compactMap(\.self).min()
        result.minimum = [minimum, other.minimum].compactMap(\.self).max()
        result.maximum = [maximum, other.maximum].compactMap(\.self).min()
        result.origin = origin ?? other.origin
        result.intersectObject(other)
        result.intersectArray(other)
        return result
    }

    /// What either says: a value fits one of the two.
    func union(_ other: Shape) -> Shape {
        if isImpossible { return other }
        if other.isImpossible { return self }
        var result = self
        result.types = types.union(other.types)
        if let values = enumeration, let others = other.enumeration {
            result.enumeration = values + others.filter { !values.contains($0) }
        } else {
            result.enumeration = nil
        }
        if reduction != other.reduction {
            result.reduction = reduction == .unset || other.reduction == .unset ? .unset : .several
        }
        result.redact = redact == other.redact ? redact : nil
        result.defaultValue = defaultValue == other.defaultValue ? defaultValue : nil
        result.uniteScalars(other)
        switch (types.contains(.object), other.types.contains(.object)) {
        case (true, true): result.uniteObject(other)
        case (false, true): result.takeObject(of: other)
        default: break
        }
        switch (types.contains(.array), other.types.contains(.array)) {
        case (true, true): result.uniteArray(other)
        case (false, true): result.takeArray(of: other)
        default: break
        }
        result.origin = origin == other.origin ? origin : nil
        return result
    }

    /// An enumeration holds values of allowed types only, and types without a value of it are not possible.
    mutating func restrictToEnumeration() {
        guard let values = enumeration else { return }
        let allowed = values.filter { !TypeSet(of: $0).isDisjoint(with: types) }
        enumeration = allowed
        types.formIntersection(TypeSet(of: allowed))
    }

    private mutating func uniteScalars(_ other: Shape) {
        let bothStrings = types.contains(.string) && other.types.contains(.string)
        let here = !types.intersection(.number).isEmpty
        let there = !other.types.intersection(.number).isEmpty
        if !types.contains(.string), other.types.contains(.string) || bothStrings {
            (format, contentEncoding, minLength, maxLength) =
                (other.format, other.contentEncoding, other.minLength, other.maxLength)
        } else if other.types.contains(.string) {
            let formats = Set([format, other.format])
            format = formats == ["integer", "number"] ? "number" : formats.count == 1 ? format : nil
            contentEncoding = contentEncoding == other.contentEncoding ? contentEncoding : nil
            minLength = min(minLength, other.minLength)
            maxLength = maxLength.flatMap { limit in other.maxLength.map { max(limit, $0) } }
        }
        if !here, there {
            (minimum, maximum) = (other.minimum, other.maximum)
        } else if there {
            minimum = minimum.flatMap { bound in other.minimum.map { min(bound, $0) } }
            maximum = maximum.flatMap { bound in other.maximum.map { max(bound, $0) } }
        }
    }

    // MARK: Objects

    private mutating func intersectObject(_ other: Shape) {
        var joined: [Property] = []
        for property in properties {
            var property = property
            if let twin = other.property(property.name) {
                property.shape = property.shape.intersecting(twin.shape)
                property.isRequired = property.isRequired || twin.isRequired
            } else if let shape = other.unnamedProperty(property.name) {
                property.shape = property.shape.intersecting(shape)
            }
            joined.append(property)
        }
        let known = Set(properties.map { JSONKey($0.name) })
        for var property in other.properties where !known.contains(JSONKey(property.name)) {
            if let shape = unnamedProperty(property.name) { property.shape = shape.intersecting(property.shape) }
            joined.append(property)
        }
        properties = joined
        patternProperties += other.patternProperties
        additionalProperties = Self.intersecting(additionalProperties, other.additionalProperties)
    }

    private static func intersecting(_ left: Box?, _ right: Box?) -> Box? {
        guard let left, let right else { return left ?? right }
        return Box(left.shape.intersecting(right.shape))
    }

    /// A member of one side is also what the other side says of it; where that says nothing it can be anything,
    /// and is not named any more.
    private mutating func uniteObject(_ other: Shape) {
        var joined: [Property] = []
        for var property in properties {
            if let twin = other.property(property.name) {
                property.shape = property.shape.union(twin.shape)
                property.isRequired = property.isRequired && twin.isRequired
            } else if let shape = other.unnamedProperty(property.name) {
                property.shape = property.shape.union(shape)
                property.isRequired = false
            } else {
                continue
            }
            joined.append(property)
        }
        let known = Set(properties.map { JSONKey($0.name) })
        for var property in other.properties where !known.contains(JSONKey(property.name)) {
            guard let shape = unnamedProperty(property.name) else { continue }
            property.shape = shape.union(property.shape)
            property.isRequired = false
            joined.append(property)
        }
        properties = joined
        let others = Dictionary(
            other.patternProperties.map { ($0.pattern, $0.shape) }, uniquingKeysWith: { first, _ in first })
        patternProperties = patternProperties.compactMap { property in
            guard let twin = others[property.pattern] ?? other.additionalProperties?.shape else { return nil }
            return PatternProperty(pattern: property.pattern, shape: property.shape.union(twin))
        }
        additionalProperties = Self.uniting(additionalProperties, other.additionalProperties)
    }

    private mutating func takeObject(of other: Shape) {
        (properties, patternProperties, additionalProperties) =
            (other.properties, other.patternProperties, other.additionalProperties)
    }

    private static func uniting(_ left: Box?, _ right: Box?) -> Box? {
        guard let left, let right else { return nil }
        return Box(left.shape.union(right.shape))
    }

    // MARK: Arrays

    private mutating func intersectArray(_ other: Shape) {
        var joined: [Shape] = []
        for index in 0..<max(tuple.count, other.tuple.count) {
            let left = index < tuple.count ? tuple[index] : additionalItems?.shape ?? .anything
            let right = index < other.tuple.count ? other.tuple[index] : other.additionalItems?.shape ?? .anything
            joined.append(left.intersecting(right))
        }
        tuple = joined
        additionalItems = Self.intersecting(additionalItems, other.additionalItems)
        minItems = max(minItems, other.minItems)
        maxItems = [maxItems, other.maxItems].compactMap(\.self).min()
    }

    private mutating func uniteArray(_ other: Shape) {
        var joined: [Shape] = []
        for index in 0..<max(tuple.count, other.tuple.count) {
            let left = index < tuple.count ? tuple[index] : additionalItems?.shape
            let right = index < other.tuple.count ? other.tuple[index] : other.additionalItems?.shape
            guard let left, let right else { break }
            joined.append(left.union(right))
        }
        tuple = joined
        additionalItems = Self.uniting(additionalItems, other.additionalItems)
        minItems = min(minItems, other.minItems)
        maxItems = maxItems.flatMap { limit in other.maxItems.map { max(limit, $0) } }
    }

    private mutating func takeArray(of other: Shape) {
        (tuple, additionalItems, minItems, maxItems) =
            (other.tuple, other.additionalItems, other.minItems, other.maxItems)
    }
}
