/// One statement that makes, changes or takes away something at an endpoint, with what it means for others there.
public struct PlannedChange: Sendable, Equatable {
    public enum Effect: String, Sendable, CaseIterable {
        case create, change
        /// Rows or columns that are there go.
        case destroy
    }

    /// When it is run.
    public enum Moment: String, Sendable {
        /// As the run begins.
        case start
        /// With the last of the table's rows that are copied, or the first change that needs it.
        case copied
        /// Before the first row that has the source's new columns.
        case newShape = "new_shape"
    }

    /// What others may wait for while the transaction is open.
    public struct Lock: Sendable, Equatable {
        /// The server's name of it: `ACCESS EXCLUSIVE`.
        public var mode: String
        /// Tables, quoted.
        public var objects: [String]

        public init(_ mode: String, _ objects: [String]) {
            self.mode = mode
            self.objects = objects
        }

        /// Who waits, in words.
        public var effect: String {
            switch mode {
            case "ACCESS EXCLUSIVE": "reads and writes wait"
            case "SHARE", "SHARE ROW EXCLUSIVE": "writes wait"
            default: "reads and writes go on"
            }
        }
    }

    public var effect: Effect
    /// As a user names it: `publication "flow_publication"`, `table "public"."orders"`.
    public var object: String
    /// The binding that asks for it, by its index in the materialization's list; nil where it is not one table's.
    public var binding: Int?
    /// Exactly what the server is sent.
    public var sql: String
    /// Nil where nobody else can know of what it locks.
    public var lock: Lock?
    public var moment: Moment
    /// What the statement doesn't show by itself; a clause.
    public var remark: String?
    /// Whether only an owner of the object may run it.
    public var needsOwner: Bool
    /// Whether the task's role may not run it: it needs an owner, and the role is none (`Provisioning.strangers`).
    public internal(set) var isForOwner = false

    public init(
        _ effect: Effect, _ object: String, sql: String, lock: Lock? = nil, binding: Int? = nil,
        moment: Moment = .start, remark: String? = nil, needsOwner: Bool = false
    ) {
        self.needsOwner = needsOwner
        self.effect = effect
        self.object = object
        self.sql = sql
        self.lock = lock
        self.binding = binding
        self.moment = moment
        self.remark = remark
    }
}

/// Where decided changes go: they are made, or only noted. Whoever decides does not know which, so that a plan holds what a
/// run does, statement for statement.
///
/// Used by one thread.
public final class Provisioning {
    private let make: ((String) throws -> Void)?
    /// In the order in which they were, or would be, made.
    public private(set) var changes: [PlannedChange] = []
    /// Objects that are there and that the role doesn't own, named as changes name them.
    public var strangers: Set<String> = []

    /// Changes are made by `make`, and noted once they are.
    public init(making make: @escaping (String) throws -> Void) {
        self.make = make
    }

    /// Changes are noted only.
    public init() {
        make = nil
    }

    /// Whether nothing is made.
    public var isPlan: Bool { make == nil }

    /// Makes or notes a change. Rethrows what making it throws.
    public func take(_ change: PlannedChange) throws {
        try make?(change.sql)
        note(change)
    }

    private func note(_ change: PlannedChange) {
        var change = change
        change.isForOwner = change.needsOwner && strangers.contains(change.object)
        changes.append(change)
    }

    /// Notes a change that is made at a later time, by somebody else.
    public func foresee(_ change: PlannedChange) {
        if isPlan { note(change) }
    }

    /// Whether such a statement was noted already: one that a plan could not find done.
    public func isPlanned(_ sql: String) -> Bool { isPlan && changes.contains { $0.sql == sql } }

    /// A place to come back to.
    public var mark: Int { changes.count }

    /// Forgets what was noted since a mark: it was, or would be, rolled back.
    public func forget(since mark: Int) { changes.removeSubrange(mark...) }
}
