import JSON

/// The keywords for what no other keyword has evaluated.
extension Evaluation {
    /// Checks what `local` does not hold, and adds it there.
    mutating func checkUnevaluated(
        _ node: SchemaNode, _ value: JSONValue, _ isValidSoFar: Bool, _ local: inout Evaluated?
    ) -> Bool {
        switch value {
        case .object(let object):
            guard let id = node.parts.unevaluatedProperties else { return true }
            let isValid = checkMembers(node, id, object, isValidSoFar, local ?? Evaluated())
            local?.allMembers = true
            return isValid
        case .array(let items):
            guard let id = node.parts.unevaluatedItems, isValidSoFar else { return true }
            let isValid = checkItems(node, id, items, local ?? Evaluated())
            local?.allItems = true
            return isValid
        default: return true
        }
    }

    private mutating func checkMembers(
        _ node: SchemaNode, _ id: SchemaNode.ID, _ object: JSONObject, _ isValidSoFar: Bool, _ seen: Evaluated
    ) -> Bool {
        var isValid = true
        // A branch that failed has evaluated nothing, so what it knows by name is not called unknown as well.
        let mentioned: Set<String> = isValidSoFar ? [] : Set(knownNames(node.id))
        for (place, member) in object.members.enumerated() {
            if seen.hasMember(place) || mentioned.contains(member.key) { continue }
            if keepsPath { path.append(member.key) }
            defer { if keepsPath { path.removeLast() } }
            if schema.nodes[id].parts.boolean == false {
                failUnknown(node, "unevaluatedProperties", member.key)
                isValid = false
            } else {
                var inner: Evaluated?
                isValid = check(id, member.value, &inner) && isValid
            }
            if !isValid && stopsEarly { return false }
        }
        return isValid
    }

    private mutating func checkItems(
        _ node: SchemaNode, _ id: SchemaNode.ID, _ items: [JSONValue], _ seen: Evaluated
    ) -> Bool {
        var isValid = true
        for (place, item) in items.enumerated() where !seen.hasItem(place) {
            if keepsPath { path.append(String(place)) }
            defer { if keepsPath { path.removeLast() } }
            if schema.nodes[id].parts.boolean == false {
                fail(node, "unevaluatedItems", "item \(place) is one too many")
                isValid = false
            } else {
                var inner: Evaluated?
                isValid = check(id, item, &inner) && isValid
            }
            if !isValid && stopsEarly { return false }
        }
        return isValid
    }
}
