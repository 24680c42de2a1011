import JSON
import JSONSchema

/// Finds what contradicts itself in a shape: what must be and can't, and reductions that can't work.
enum ShapeInspection {
    /// One contradiction.
    struct Fault {
        /// The location, `*` for members that aren't named, `-` for items that aren't.
        let location: String
        /// What is wrong with it, to follow the location in a sentence.
        let message: String
        /// The schema that says so; nil where none in particular does.
        let origin: SchemaNode.ID?
        /// The keyword at fault within that schema; nil for the schema itself.
        let keyword: String?
        let hint: String?
    }

    /// All of a schema's faults, in the schema's order.
    static func faults(of shape: Shape) -> [Fault] {
        var faults: [Fault] = []
        // A shape that is shared by many places would be looked at in each.
        guard shape.size(limit: sizeLimit) < sizeLimit else { return [] }
        inspect(shape, "", mustExist: true, depth: 0, &faults)
        return faults
    }

    private static let sizeLimit = 10_000

    private static func inspect(
        _ shape: Shape, _ location: String, mustExist: Bool, depth: Int, _ faults: inout [Fault]
    ) {
        guard depth < 24, faults.count < 1000 else { return }
        func report(_ message: String, _ keyword: String?, hint: String? = nil) {
            faults.append(
                Fault(location: location, message: message, origin: shape.origin, keyword: keyword, hint: hint))
        }
        if mustExist, shape.isImpossible { report("must exist, but no value is allowed there", nil) }
        if let fault = shape.defaultValue?.fault {
            report("has a default that its own schema refuses: \(fault)", "default")
        }
        inspectReduction(shape, report)
        switch shape.redact {
        case "block" where mustExist: report("is removed by 'redact', but must exist", "redact")
        case "sha256" where shape.types != .string && shape.types != [.string, .null]:
            report("is hashed by 'redact', which takes strings only, but can be \(phrase(shape.types))", "redact")
        default: break
        }
        for child in children(of: shape, location) {
            if shape.reduction == .unset, child.shape.reduction != .unset {
                faults.append(
                    Fault(
                        location: child.location, message: "has a reduction, but what it is in has none",
                        origin: child.shape.origin, keyword: "reduce",
                        hint:
                            "add 'reduce: { strategy: merge }' to \(location.isEmpty ? "the schema's root" : "'\(location)'")"
                    ))
            }
            inspect(
                child.shape, child.location, mustExist: mustExist && child.mustExist, depth: depth + 1, &faults)
        }
    }

    private static func inspectReduction(
        _ shape: Shape, _ report: (_ message: String, _ keyword: String?, _ hint: String?) -> Void
    ) {
        guard case .strategy(let strategy) = shape.reduction, !shape.isImpossible else { return }
        switch strategy {
        case .sum:
            let rest = shape.types.subtracting(.number)
            let isText = rest == .string && ["integer", "number"].contains(shape.format)
            if !rest.isEmpty, !isText {
                report(
                    "is reduced by 'sum', but can be \(phrase(rest))", "reduce",
                    "give it the type integer or number, or string with the format integer or number")
            }
        case .merge:
            let rest = shape.types.subtracting([.object, .array])
            if !rest.isEmpty {
                report(
                    "is reduced by 'merge', but can be \(phrase(rest))", "reduce", "give it the type object or array")
            }
        case .set:
            if shape.types != .object {
                report(
                    "is reduced by 'set', but can be \(phrase(shape.types.subtracting(.object)))", "reduce",
                    "give it the type object")
            }
            for property in shape.properties where !["add", "intersect", "remove"].contains(property.name) {
                report(
                    "is reduced by 'set', but has the property '\(property.name)'", "reduce",
                    "a set has 'add', 'intersect' and 'remove' only")
            }
        default: break
        }
    }

    private static func children(
        of shape: Shape, _ location: String
    ) -> [(location: String, shape: Shape, mustExist: Bool)] {
        var children: [(String, Shape, Bool)] = []
        for (index, item) in shape.tuple.enumerated() {
            children.append(("\(location)/\(index)", item, shape.types == .array && index < shape.minItems))
        }
        if let items = shape.additionalItems { children.append(("\(location)/-", items.shape, false)) }
        for property in shape.properties {
            let isRequired = shape.types == .object && property.isRequired
            children.append(("\(location)/\(JSONPointer.escape(property.name))", property.shape, isRequired))
        }
        for property in shape.patternProperties { children.append(("\(location)/*", property.shape, false)) }
        if let others = shape.additionalProperties { children.append(("\(location)/*", others.shape, false)) }
        return children
    }

    /// `string or null`.
    static func phrase(_ types: TypeSet) -> String {
        var names = types.names
        if types.contains(.fraction), !types.contains(.integer) { names.append("fraction") }
        guard let last = names.popLast() else { return "nothing" }
        return names.isEmpty ? last : names.joined(separator: ", ") + " or " + last
    }
}
