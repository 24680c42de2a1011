import JSON

/// The keywords of objects.
extension Evaluation {
    /// Checks an object and its members.
    mutating func checkObject(_ node: SchemaNode, _ object: JSONObject, _ local: inout Evaluated?) -> Bool {
        var isValid = true
        if node.checksObjects { isValid = checkRules(node, object) }
        if !isValid && stopsEarly { return false }
        guard node.checksMembers else { return isValid }
        for (place, member) in object.members.enumerated() {
            if keepsPath { path.append(member.key) }
            defer { if keepsPath { path.removeLast() } }
            if !checkMember(node, place, member, &local) {
                isValid = false
                if stopsEarly { return false }
            }
        }
        return isValid
    }

    private mutating func checkMember(
        _ node: SchemaNode, _ place: Int, _ member: JSONObject.Member, _ local: inout Evaluated?
    ) -> Bool {
        var isValid = true
        var isKnown = false
        var seen: Evaluated?
        if let id = node.property(member.key) {
            isKnown = true
            if schema.nodes[id].parts.boolean == false {
                failKey(node, "properties", "the field '\(member.key.cut(60))' is not allowed here", member.key)
                isValid = false
            } else {
                isValid = check(id, member.value, &seen)
            }
        }
        for (pattern, id) in node.parts.patternProperties {
            guard pattern.search(member.key, budget: &patternSteps) == .match else { continue }
            isKnown = true
            isValid = check(id, member.value, &seen) && isValid
        }
        if !isKnown, let id = node.parts.additionalProperties {
            isKnown = true
            if schema.nodes[id].parts.boolean == false {
                failUnknown(node, "additionalProperties", member.key)
                isValid = false
            } else {
                isValid = check(id, member.value, &seen)
            }
        }
        if isKnown { local?.members.insert(place) }
        return isValid
    }

    private mutating func checkRules(_ node: SchemaNode, _ object: JSONObject) -> Bool {
        let rules = node.parts.objects
        var isValid = true
        let missing = rules.required.filter { !object.contains($0) }
        if !missing.isEmpty {
            isValid = false
            fail(
                node, "required", "missing field\(missing.count == 1 ? "" : "s") \(listed(missing))", names: missing)
        }
        if !isValid && stopsEarly { return false }
        for (key, needs) in rules.dependentRequired where object.contains(key) {
            let missing = needs.filter { !object.contains($0) }
            guard !missing.isEmpty else { continue }
            isValid = false
            fail(
                node, "dependentRequired",
                "the field '\(key.cut(60))' needs the field\(missing.count == 1 ? "" : "s") \(listed(missing)) as well",
                names: missing)
        }
        if let least = rules.minProperties, object.count < least {
            isValid = false
            fail(
                node, "minProperties",
                least == 1 ? "must not be empty" : "must have at least \(least) fields, has \(object.count)")
        }
        if let most = rules.maxProperties, object.count > most {
            isValid = false
            fail(node, "maxProperties", "must have at most \(most) fields, has \(object.count)")
        }
        if !isValid && stopsEarly { return false }
        if let id = rules.propertyNames { isValid = checkNames(node, id, object) && isValid }
        return isValid
    }

    private mutating func checkNames(_ node: SchemaNode, _ id: SchemaNode.ID, _ object: JSONObject) -> Bool {
        var isValid = true
        for member in object {
            var seen: Evaluated?
            guard isRecording else {
                if !check(id, .string(member.key), &seen) {
                    isValid = false
                    if stopsEarly { return false }
                }
                continue
            }
            if keepsPath { path.append(member.key) }
            let (isAllowed, reasons) = apart(id, .string(member.key), &seen)
            if !isAllowed {
                isValid = false
                let reason = reasons.first.map { ": " + $0.message } ?? ""
                failKey(node, "propertyNames", "the name '\(member.key.cut(60))' is not allowed\(reason)", member.key)
            }
            if keepsPath { path.removeLast() }
        }
        return isValid
    }

    /// Records that the name at the end of the path is not known.
    mutating func failUnknown(_ node: SchemaNode, _ keyword: String, _ key: String) {
        guard keepsFailures else { return }
        let known = knownNames(node.id)
        let list = known.isEmpty ? "" : "; known: \(listed(known, "and", quote: ""))"
        var failure = RecordedFailure(
            path: path, node: node.id, keyword: keyword, message: "unknown field '\(key.cut(60))'\(list)")
        failure.isAboutKey = true
        failure.names = [key]
        failure.subject = key
        failure.candidates = known
        record(failure)
    }

    private mutating func failKey(_ node: SchemaNode, _ keyword: String, _ message: String, _ key: String) {
        guard keepsFailures else { return }
        var failure = RecordedFailure(path: path, node: node.id, keyword: keyword, message: message)
        failure.isAboutKey = true
        failure.names = [key]
        record(failure)
    }

    /// The names of members that a schema mentions, itself or by what it applies to the same object.
    func knownNames(_ id: SchemaNode.ID) -> [String] {
        var names: [String] = []
        var known: Set<String> = []
        var visited: Set<SchemaNode.ID> = []
        var pending = [id]
        while let next = pending.popLast() {
            guard visited.insert(next).inserted else { continue }
            let parts = schema.nodes[next].parts
            for property in parts.properties where known.insert(property.name).inserted { names.append(property.name) }
            var inner: [SchemaNode.ID] = [parts.reference, parts.dynamicReference?.fallback].compactMap { $0 }
            inner += parts.allOf + parts.anyOf + parts.oneOf
            inner += [parts.condition, parts.then, parts.otherwise].compactMap { $0 }
            inner += parts.dependentSchemas.map(\.id)
            pending += inner.reversed()
        }
        return names
    }
}
