import JSON

/// One difference between two catalogs, and what it means. Never holds a value of a connector's config.
public struct CatalogChange: Sendable, Hashable {
    /// What applying the change costs, the least first.
    public enum Effect: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Nothing that runs changes.
        case none
        /// In force from the next start of `apply` on; no table is read again.
        case restart
        /// Tables are read, or read again, from the beginning.
        case backfill
        /// A destination's table can't stay as it is: it has to be rebuilt.
        case destructive

        /// Costs less.
        public static func < (left: Effect, right: Effect) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// What a change is about.
    public enum Subject: String, Sendable, Hashable { case capture, collection, materialization }

    /// What applying it costs.
    public let effect: Effect
    /// What it is about.
    public let subject: Subject
    /// The name of that.
    public let name: String
    /// The table of the binding that it is about; nil for the whole task.
    public let table: String?
    /// What is different, without a full stop.
    public let change: String
    /// What that means, without a full stop.
    public let meaning: String

    /// The change for programs.
    public var json: JSONValue {
        [
            "effect": .string(effect.rawValue), subject.rawValue: .string(name),
            "table": table.map { .string($0) } ?? .null, "change": .string(change), "meaning": .string(meaning),
        ]
    }
}
