import JSON

/// The keywords that apply other schemas to the same value.
extension Evaluation {
    /// Checks references, combinations and conditions.
    mutating func checkInPlace(_ node: SchemaNode, _ value: JSONValue, _ local: inout Evaluated?) -> Bool {
        var isValid = true
        if let id = node.parts.reference { isValid = check(id, value, &local) }
        if !isValid && stopsEarly { return false }
        if let (fallback, name) = node.parts.dynamicReference {
            isValid = check(dynamicTarget(name) ?? fallback, value, &local) && isValid
        }
        for id in node.parts.allOf {
            isValid = check(id, value, &local) && isValid
            if !isValid && stopsEarly { return false }
        }
        if !node.parts.anyOf.isEmpty { isValid = checkAnyOf(node, value, &local) && isValid }
        if !isValid && stopsEarly { return false }
        if !node.parts.oneOf.isEmpty { isValid = checkOneOf(node, value, &local) && isValid }
        if !isValid && stopsEarly { return false }
        if let id = node.parts.not { isValid = checkNot(node, id, value) && isValid }
        if let id = node.parts.condition { isValid = checkCondition(node, id, value, &local) && isValid }
        if case .object(let object) = value {
            for (key, id) in node.parts.dependentSchemas where object.contains(key) {
                isValid = check(id, value, &local) && isValid
            }
        }
        return isValid
    }

    /// The outermost resource's schema with a dynamic anchor of this name.
    private func dynamicTarget(_ name: String?) -> SchemaNode.ID? {
        guard let name else { return nil }
        for resource in scope {
            if let id = schema.dynamicAnchors[resource][name] { return id }
        }
        return nil
    }

    private mutating func checkNot(_ node: SchemaNode, _ id: SchemaNode.ID, _ value: JSONValue) -> Bool {
        let before = annotationCount
        var seen: Evaluated?
        let matches = quietly(id, value, &seen)
        dropAnnotations(after: before)
        guard matches else { return true }
        let inner = schema.nodes[id]
        if let names = inner.parts.objects.required.nonEmpty, case .object = value {
            fail(
                node, "not", "the field\(names.count == 1 ? "" : "s") \(listed(names)) can't be used here", names: names
            )
        } else {
            fail(node, "not", "\(value.shown) is not allowed here", "this value is not allowed here")
        }
        return false
    }

    private mutating func checkCondition(
        _ node: SchemaNode, _ condition: SchemaNode.ID, _ value: JSONValue, _ local: inout Evaluated?
    ) -> Bool {
        let branch = quietly(condition, value, &local) ? node.parts.then : node.parts.otherwise
        guard let branch else { return true }
        return check(branch, value, &local)
    }

    private mutating func checkAnyOf(_ node: SchemaNode, _ value: JSONValue, _ local: inout Evaluated?) -> Bool {
        var isValid = false
        guard isRecording else {
            for id in node.parts.anyOf {
                isValid = check(id, value, &local) || isValid
                if isValid && local == nil && !visitsAll { return true }
            }
            return isValid
        }
        var branches: [Branch] = []
        for id in node.parts.anyOf {
            let result = apart(id, value, &local)
            isValid = isValid || result.isValid
            branches.append(Branch(id: id, failures: result.failures))
        }
        if !isValid { failBranches(node, "anyOf", branches, value) }
        return isValid
    }

    private mutating func checkOneOf(_ node: SchemaNode, _ value: JSONValue, _ local: inout Evaluated?) -> Bool {
        var matching: [Int] = []
        guard isRecording else {
            for (place, id) in node.parts.oneOf.enumerated() {
                if check(id, value, &local) { matching.append(place) }
                if matching.count > 1 && stopsEarly { return false }
            }
            return matching.count == 1
        }
        var branches: [Branch] = []
        for (place, id) in node.parts.oneOf.enumerated() {
            let result = apart(id, value, &local)
            if result.isValid { matching.append(place) }
            branches.append(Branch(id: id, failures: result.failures))
        }
        if matching.isEmpty {
            failBranches(node, "oneOf", branches, value)
        } else if matching.count > 1 {
            let forms = matching.map { resolved(node.parts.oneOf[$0]).parts.objects.required }
            let marks = forms.indices.compactMap { place in
                forms[place].first { name in !forms.indices.contains { $0 != place && forms[$0].contains(name) } }
            }
            if marks.count == matching.count, case .object = value {
                fail(node, "oneOf", "the fields \(listed(marks)) exclude each other", names: marks)
                return false
            }
            let names = matching.map { place -> String in
                let title = schema.nodes[node.parts.oneOf[place]].annotations["title"]?.stringValue
                return title.map { "'\($0)'" } ?? "form \(place + 1)"
            }
            fail(
                node, "oneOf",
                "matches \(listed(names, "and", quote: "")) at once; exactly one of the forms must match")
        }
        return matching.count == 1
    }
}

extension Array {
    fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
