import JSON
import JSONSchema

extension Reducer {
    /// One reduction of two documents, going down both.
    struct Walk {
        /// A reduced value.
        struct Result {
            var value: JSONValue
            var isDeleted = false
        }

        let strategies: [JSONPointer: ReduceStrategy]
        let isFull: Bool

        /// Reduces what is at a location, which in the right document is at `source`.
        func reduce(
            _ left: JSONValue, _ right: JSONValue, at location: JSONPointer, against source: JSONPointer
        ) throws(Failure) -> Result {
            let strategy = strategies[source] ?? .standard
            switch strategy {
            case .firstWriteWins: return Result(value: left)
            case .lastWriteWins(_, let delete): return Result(value: right, isDeleted: delete)
            case .append: return Result(value: try append(left, right, location))
            case .merge(let key, let delete):
                return Result(value: try merge(left, right, key, location, source), isDeleted: delete)
            case .minimize(let key):
                return Result(value: try extreme(left, right, key, .ascending, location, source))
            case .maximize(let key):
                return Result(value: try extreme(left, right, key, .descending, location, source))
            case .sum: return Result(value: try NumberSum.sum(left, right, at: location))
            case .set(let key): return Result(value: try set(left, right, key, location, source))
            case .jsonSchemaMerge: return Result(value: try SchemaMerge.merge(left, right, at: location))
            }
        }

        private func append(
            _ left: JSONValue, _ right: JSONValue, _ location: JSONPointer
        ) throws(Failure) -> JSONValue {
            switch (left, right) {
            case (.array(let items), .array(let more)): return .array(items + more)
            case (.null, .array): return .null
            default: throw mismatch("append", "arrays", left, right, location)
            }
        }

        /// The value that comes first, in one order or the other. Equal ones are merged where a key tells them equal.
        private func extreme(
            _ left: JSONValue, _ right: JSONValue, _ key: [JSONPointer], _ wanted: DocumentOrder.Order,
            _ location: JSONPointer, _ source: JSONPointer
        ) throws(Failure) -> JSONValue {
            let order = DocumentOrder.compare(left, right, by: key.isEmpty ? [.root] : key)
            if order == wanted { return left }
            if order != .equal || key.isEmpty { return right }
            return try merge(left, right, [], location, source)
        }

        private func merge(
            _ left: JSONValue, _ right: JSONValue, _ key: [JSONPointer], _ location: JSONPointer,
            _ source: JSONPointer
        ) throws(Failure) -> JSONValue {
            switch (left, right) {
            case (.object(let object), .object(let other)):
                return .object(try members(object, other, location, source))
            case (.array(let items), .array(let more)):
                let paired = key.isEmpty ? Pairing.byIndex(items, more) : Pairing.byKey(items, more, key)
                var result: [JSONValue] = []
                for pair in paired {
                    if let item = try self.item(pair, result.count, location, source) { result.append(item) }
                }
                return .array(result)
            case (.null, .object), (.null, .array): return .null
            default: throw mismatch("merge", "two objects or two arrays", left, right, location)
            }
        }

        /// All members of both; the left ones keep their place. In a full reduction deleted ones go.
        func members(
            _ left: JSONObject, _ right: JSONObject, _ location: JSONPointer, _ source: JSONPointer
        ) throws(Failure) -> JSONObject {
            var result = left
            for member in right {
                guard let value = left[member.key] else {
                    result[member.key] = member.value
                    continue
                }
                let reduced = try reduce(
                    value, member.value, at: location.appending(member.key), against: source.appending(member.key))
                let isGone = reduced.isDeleted && isFull
                result[member.key] = isGone ? JSONValue?.none : reduced.value
            }
            return result
        }

        /// What one of two arrays has, or both reduced; nil where it is deleted.
        func item(
            _ pair: Pairing.Pair, _ index: Int, _ location: JSONPointer, _ source: JSONPointer
        ) throws(Failure) -> JSONValue? {
            guard let left = pair.left else { return pair.right?.value }
            guard let right = pair.right else { return left.value }
            let reduced = try reduce(
                left.value, right.value, at: location.appending(index), against: source.appending(right.index))
            let isGone = reduced.isDeleted && isFull
            return isGone ? JSONValue?.none : reduced.value
        }

        /// The failure of a strategy that got values of types it doesn't take. It tells no values.
        func mismatch(
            _ strategy: String, _ takes: String, _ left: JSONValue, _ right: JSONValue, _ location: JSONPointer
        ) -> Failure {
            Failure(
                location: location,
                message: "'\(strategy)' takes \(takes), not \(left.typeName) and \(right.typeName)")
        }
    }

    /// The items of two arrays that belong together.
    enum Pairing {
        /// An item with its place.
        struct Item {
            let index: Int
            let value: JSONValue
        }

        /// An item of either array, or one of each.
        struct Pair {
            let left: Item?
            let right: Item?
        }

        /// Items of the same index.
        static func byIndex(_ left: [JSONValue], _ right: [JSONValue]) -> [Pair] {
            (0..<max(left.count, right.count)).map { index in
                Pair(
                    left: index < left.count ? Item(index: index, value: left[index]) : nil,
                    right: index < right.count ? Item(index: index, value: right[index]) : nil)
            }
        }

        /// Items of equal key, in the key's order; both arrays are sorted by it.
        static func byKey(_ left: [JSONValue], _ right: [JSONValue], _ key: [JSONPointer]) -> [Pair] {
            var pairs: [Pair] = []
            var (first, second) = (0, 0)
            while first < left.count || second < right.count {
                var order = DocumentOrder.Order.equal
                if first == left.count {
                    order = .descending
                } else if second == right.count {
                    order = .ascending
                } else {
                    order = DocumentOrder.compare(left[first], right[second], by: key)
                }
                let item = order == .descending ? nil : Item(index: first, value: left[first])
                let other = order == .ascending ? nil : Item(index: second, value: right[second])
                pairs.append(Pair(left: item, right: other))
                if item != nil { first += 1 }
                if other != nil { second += 1 }
            }
            return pairs
        }
    }
}
