import JSON

/// The keywords of arrays.
extension Evaluation {
    /// Checks an array and its items.
    mutating func checkArray(_ node: SchemaNode, _ items: [JSONValue], _ local: inout Evaluated?) -> Bool {
        var isValid = true
        if node.checksArrays { isValid = checkRules(node, items, &local) }
        if !isValid && stopsEarly { return false }
        guard node.checksItems else { return isValid }
        for (place, item) in items.enumerated() {
            let prefix = node.parts.prefixItems
            guard let id = place < prefix.count ? prefix[place] : node.parts.items else { break }
            if !checkItem(node, id, place, item) {
                isValid = false
                if stopsEarly { return false }
            }
        }
        if node.parts.items != nil {
            local?.allItems = true
        } else {
            local?.addPrefix(node.parts.prefixItems.count)
        }
        return isValid
    }

    private mutating func checkItem(_ node: SchemaNode, _ id: SchemaNode.ID, _ place: Int, _ item: JSONValue) -> Bool {
        if keepsPath { path.append(String(place)) }
        defer { if keepsPath { path.removeLast() } }
        if schema.nodes[id].parts.boolean == false, place >= node.parts.prefixItems.count {
            let count = node.parts.prefixItems.count
            fail(node, node.parts.itemsKeyword, count == 0 ? "no items are allowed" : "only \(count) items are allowed")
            return false
        }
        var seen: Evaluated?
        return check(id, item, &seen)
    }

    private mutating func checkRules(_ node: SchemaNode, _ items: [JSONValue], _ local: inout Evaluated?) -> Bool {
        let rules = node.parts.arrays
        var isValid = true
        if let least = rules.minItems, items.count < least {
            isValid = false
            fail(
                node, "minItems",
                least == 1 ? "must not be empty" : "must have at least \(least) items, has \(items.count)")
        }
        if let most = rules.maxItems, items.count > most {
            isValid = false
            fail(node, "maxItems", "must have at most \(most) items, has \(items.count)")
        }
        if !isValid && stopsEarly { return false }
        if rules.uniqueItems, let (first, second) = Self.equalItems(items) {
            isValid = false
            let shown = items[second].shown
            fail(
                node, "uniqueItems", "items \(first) and \(second) are equal: \(shown)",
                "items \(first) and \(second) are equal")
        }
        if let id = rules.contains { isValid = checkContains(node, id, items, &local) && isValid }
        return isValid
    }

    /// Two equal items, the later of them the earliest that is equal to any before.
    private static func equalItems(_ items: [JSONValue]) -> (Int, Int)? {
        var places: [JSONValue: Int] = [:]
        places.reserveCapacity(items.count)
        for (place, item) in items.enumerated() {
            if let first = places[item] { return (first, place) }
            places[item] = place
        }
        return nil
    }

    private mutating func checkContains(
        _ node: SchemaNode, _ id: SchemaNode.ID, _ items: [JSONValue], _ local: inout Evaluated?
    ) -> Bool {
        let least = node.parts.arrays.minContains ?? 1
        let most = node.parts.arrays.maxContains
        var count = 0
        for (place, item) in items.enumerated() {
            if keepsPath { path.append(String(place)) }
            var seen: Evaluated?
            let matches = quietly(id, item, &seen)
            if keepsPath { path.removeLast() }
            guard matches else { continue }
            count += 1
            local?.items.insert(place)
        }
        if count < least {
            fail(
                node, node.parts.arrays.minContains == nil ? "contains" : "minContains",
                "at least \(least) of the items must match what 'contains' asks for; \(count) do")
            return false
        }
        if let most, count > most {
            fail(
                node, "maxContains", "at most \(most) of the items may match what 'contains' asks for; \(count) do")
            return false
        }
        return true
    }
}
