/// One thing that an administrator does so that a task can run. Doing it again changes nothing.
public struct SetupStep: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        /// One or more statements, each ended by a semicolon, to be run in the task's database. Any transaction will do.
        case sql(String)
        /// An instruction for a console or an editor.
        case byHand(String)
    }

    /// What it is for: a sentence without full stop.
    public var purpose: String
    public var action: Action

    public init(_ purpose: String, sql: String) {
        self.purpose = purpose
        action = .sql(sql)
    }

    public init(_ purpose: String, byHand: String) {
        self.purpose = purpose
        action = .byHand(byHand)
    }
}
