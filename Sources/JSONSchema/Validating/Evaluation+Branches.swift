import JSON

/// Tells why no branch of `anyOf` or `oneOf` matches: by the failures of the branch that was most likely meant.
extension Evaluation {
    /// A branch that failed, with its failures.
    struct Branch {
        /// The branch.
        let id: SchemaNode.ID
        /// Why it does not match.
        let failures: [RecordedFailure]
    }

    /// Records why no branch matches.
    mutating func failBranches(_ node: SchemaNode, _ keyword: String, _ branches: [Branch], _ value: JSONValue) {
        let here = path.count
        // A branch for another kind of value was not meant, nor one whose discriminating member differs.
        var meant = branches.filter { !$0.failures.contains { $0.path.count == here && $0.isAboutKind } }
        if meant.isEmpty {
            failKinds(node, keyword, branches, value)
            return
        }
        let discriminated = meant.filter { branch in
            !branch.failures.contains {
                $0.path.count == here + 1 && !$0.isAboutKey && ($0.keyword == "const" || $0.keyword == "enum")
            }
        }
        if !discriminated.isEmpty { meant = discriminated }
        let deepest = meant.map(\.deepest).max() ?? 0
        meant = meant.filter { $0.deepest == deepest }
        if meant.count > 1, deepest > here {
            let fewest = meant.map(\.failures.count).min() ?? 0
            meant = meant.filter { $0.failures.count == fewest }
        }
        if let only = meant.first, meant.count == 1 {
            for failure in only.failures { record(failure) }
        } else {
            failTogether(node, keyword, meant)
        }
    }

    /// No branch takes this kind of value: tells all kinds and values that any takes.
    private mutating func failKinds(
        _ node: SchemaNode, _ keyword: String, _ branches: [Branch], _ value: JSONValue
    ) {
        var types: TypeSet = []
        var values: [JSONValue] = []
        for branch in branches {
            let parts = resolved(branch.id).parts
            if let constant = parts.constant {
                values.append(constant)
            } else if let enumeration = parts.enumeration {
                values += enumeration
            } else if let some = parts.types {
                types.formUnion(some)
            } else if let first = branch.failures.first {
                record(first)
                return
            }
        }
        let expected = listed(types.names + values.map(\.shown), "or", quote: "")
        fail(
            node, keyword, "expected \(expected), found \(value.found)",
            "expected \(expected), found \(value.foundKind)", subject: value.stringValue,
            candidates: values.compactMap(\.stringValue))
    }

    /// Several branches are equally near: tells what they have in common.
    private mutating func failTogether(_ node: SchemaNode, _ keyword: String, _ branches: [Branch]) {
        guard let first = branches.first else {
            fail(node, keyword, "matches none of the allowed forms")
            return
        }
        let unknown = first.failures.filter { failure in
            failure.isAboutKey && failure.subject != nil
                && branches.allSatisfy { $0.failures.contains { $0.isAboutKey && $0.path == failure.path } }
        }
        if !unknown.isEmpty {
            let saved = path
            for failure in unknown {
                path = failure.path
                failUnknown(node, keyword, failure.subject ?? "")
            }
            path = saved
            return
        }
        let missing = branches.compactMap { branch in
            branch.failures.first { $0.keyword == "required" && $0.path == path }?.names
        }
        if missing.count == branches.count {
            let single = missing.allSatisfy { $0.count == 1 }
            let forms = missing.map { listed($0) }
            fail(
                node, keyword,
                single
                    ? "needs one of the fields \(listed(forms, "or", quote: ""))"
                    : "needs the fields \(listed(forms, "or", quote: ""))", names: missing.flatMap { $0 })
            return
        }
        for failure in first.failures { record(failure) }
    }

    /// The schema at the end of references.
    func resolved(_ id: SchemaNode.ID) -> SchemaNode {
        var node = schema.nodes[id]
        for _ in 0..<16 {
            guard node.parts.types == nil, node.parts.enumeration == nil, node.parts.constant == nil,
                let next = node.parts.reference
            else { break }
            node = schema.nodes[next]
        }
        return node
    }
}

extension Evaluation.Branch {
    /// The depth of the deepest failure: the further a branch came, the more it was meant.
    fileprivate var deepest: Int { failures.map(\.depth).max() ?? 0 }
}
