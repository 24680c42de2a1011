import JSON

extension Reducer.Walk {
    private typealias Pairing = Reducer.Pairing

    /// One of `add`, `intersect` and `remove`: an array, sorted by the set's key, or an object of members by name.
    private enum Term {
        case array([JSONValue])
        case object(JSONObject)
    }

    /// Which items a combination of two terms keeps.
    private enum Keep {
        case union, both, left, right
    }

    /// The `add`, `intersect` and `remove` of one side.
    private struct Terms {
        var add: Term?
        var intersect: Term?
        var remove: Term?

        init?(_ object: JSONObject) {
            for member in object {
                let term: Term
                switch member.value {
                case .array(let items): term = .array(items)
                case .object(let object): term = .object(object)
                default: return nil
                }
                switch member.key {
                case "add": add = term
                case "intersect": intersect = term
                case "remove": remove = term
                default: return nil
                }
            }
            if intersect != nil, remove != nil { return nil }
        }

        var all: [Term] { [add, intersect, remove].compactMap(\.self) }
    }

    /// Applies the right side's changes of a set to the left side's: removals or an intersection first, then additions,
    /// which are reduced with what is there. Only a partial reduction remembers what was removed or intersected.
    func set(
        _ left: JSONValue, _ right: JSONValue, _ key: [JSONPointer], _ location: JSONPointer, _ source: JSONPointer
    ) throws(Reducer.Failure) -> JSONValue {
        guard let left = left.objectValue.flatMap(Terms.init), let right = right.objectValue.flatMap(Terms.init) else {
            throw Reducer.Failure(
                location: location,
                message: "'set' takes objects of 'add' with 'remove' or 'intersect', each an array or an object")
        }
        let arrays = (left.all + right.all).count { if case .array = $0 { true } else { false } }
        guard arrays == 0 || arrays == (left.all + right.all).count else {
            throw Reducer.Failure(
                location: location, message: "'set' takes arrays only or objects only on both sides")
        }
        let combination = Combination(
            walk: self, key: key.isEmpty ? [.root] : key, location: location, source: source)
        var result = JSONObject()
        let kept = combination.taking(right.remove, right.intersect, from: left.add)
        result["add"] = try combination.combine(kept, right.add, .union, "add")
        if isFull { return .object(result) }
        switch (left.intersect, right.intersect) {
        case (let term?, let other?): result["intersect"] = try combination.combine(term, other, .both, "intersect")
        case (let term?, nil): result["intersect"] = try combination.combine(term, right.remove, .left, "intersect")
        case (nil, let other?): result["intersect"] = try combination.combine(left.remove, other, .right, "intersect")
        case (nil, nil): result["remove"] = try combination.combine(left.remove, right.remove, .union, "remove")
        }
        return .object(result)
    }

    /// The operations on terms.
    private struct Combination {
        let walk: Reducer.Walk
        let key: [JSONPointer]
        let location: JSONPointer
        let source: JSONPointer

        /// A term without what is removed, or with only what an intersection has.
        func taking(_ removed: Term?, _ intersected: Term?, from term: Term?) -> Term? {
            guard let term, let other = removed ?? intersected else { return term }
            let keepsCommon = removed == nil
            switch (term, other) {
            case (.array(let items), .array(let others)):
                let pairs = Pairing.byKey(items, others, key)
                return .array(pairs.compactMap { ($0.right != nil) == keepsCommon ? $0.left?.value : nil })
            case (.object(let object), .object(let others)):
                let kept = object.members.filter { others.contains($0.key) == keepsCommon }
                return .object(JSONObject(unique: kept))
            default: return term
            }
        }

        /// Two terms as one; nil where neither is there.
        func combine(
            _ left: Term?, _ right: Term?, _ keep: Keep, _ name: String
        ) throws(Reducer.Failure) -> JSONValue? {
            let location = location.appending(name)
            let source = source.appending(name)
            switch (left, right) {
            case (nil, nil): return nil
            case (.array(let items), .array(let more)): return try arrays(items, more, keep, location, source)
            case (.array(let items), nil): return try arrays(items, [], keep, location, source)
            case (nil, .array(let more)): return try arrays([], more, keep, location, source)
            case (.object(let object), .object(let other)): return try objects(object, other, keep, location, source)
            case (.object(let object), nil): return try objects(object, JSONObject(), keep, location, source)
            case (nil, .object(let other)): return try objects(JSONObject(), other, keep, location, source)
            default: return nil
            }
        }

        private func arrays(
            _ left: [JSONValue], _ right: [JSONValue], _ keep: Keep, _ location: JSONPointer, _ source: JSONPointer
        ) throws(Reducer.Failure) -> JSONValue {
            var result: [JSONValue] = []
            for pair in Pairing.byKey(left, right, key) where keeps(keep, pair.left != nil, pair.right != nil) {
                if let item = try walk.item(pair, result.count, location, source) { result.append(item) }
            }
            return .array(result)
        }

        private func objects(
            _ left: JSONObject, _ right: JSONObject, _ keep: Keep, _ location: JSONPointer, _ source: JSONPointer
        ) throws(Reducer.Failure) -> JSONValue {
            let all = try walk.members(left, right, location, source)
            let kept = all.members.filter { keeps(keep, left.contains($0.key), right.contains($0.key)) }
            return .object(JSONObject(unique: kept))
        }

        private func keeps(_ keep: Keep, _ isLeft: Bool, _ isRight: Bool) -> Bool {
            switch keep {
            case .union: true
            case .both: isLeft && isRight
            case .left: isLeft && !isRight
            case .right: isRight && !isLeft
            }
        }
    }
}
