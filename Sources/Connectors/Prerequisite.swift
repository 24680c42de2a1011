/// What a check found of one thing that a task needs, or has and doesn't need.
public struct Prerequisite: Sendable, Equatable {
    public enum Grade: String, Sendable {
        /// The task can't run.
        case unmet
        /// The task's role may do more than the task needs.
        case excess
        /// The task runs; somebody should know.
        case advice
    }

    /// What would mend it.
    public enum Remedy: Sendable, Equatable {
        /// Statements for somebody who may run them.
        case sql(String)
        /// An instruction.
        case step(String)
    }

    /// What is said of a table that only its owner could make fit, and what the statements for that one begin with in a hint.
    public static let isNotOwner = "it must be changed, and the role doesn't own it"
    public static let asOwner = "as its owner: "

    /// What would stop a run, as a finding: a hint that is nothing but statements is SQL to run.
    public static func unmet(_ error: RunError, _ object: String, role: String?) -> Prerequisite {
        let isOfRole = error.sqlState == "42501"
        let remedy = error.hint.map { hint in
            for start in [asOwner, "run: ", "run as a user who may: "] where hint.hasPrefix(start) {
                let sql = String(hint.dropFirst(start.count))
                if !sql.contains("…"), !sql.contains(", or "), !sql.contains(". Or: ") {
                    return Remedy.sql(sql.hasSuffix(";") ? sql : sql + ";")
                }
            }
            return .step(hint)
        }
        return Prerequisite(.unmet, object, role: isOfRole ? role : nil, error.message, remedy)
    }

    public var grade: Grade
    /// As a user names it: `table public.orders`.
    public var object: String
    /// The role that was tried; nil where it is about no role.
    public var role: String?
    /// One clause.
    public var message: String
    public var remedy: Remedy?

    public init(_ grade: Grade, _ object: String, role: String? = nil, _ message: String, _ remedy: Remedy? = nil) {
        self.grade = grade
        self.object = object
        self.role = role
        self.message = message
        self.remedy = remedy
    }
}

/// A capture whose prerequisites can be checked.
public protocol CheckedCapture: Capture {
    /// Logs in as the capture's own user and tries what it needs, in transactions that are rolled back. Finds everything at
    /// once and throws nothing. `checkpoints` are parallel to the links; nil where there is none.
    func check(_ links: [LinkSpec], checkpoints: [LinkCheckpoint?]) -> CheckedSource
}

/// What a check of a source gives.
public struct CheckedSource: Sendable {
    public var findings: [Prerequisite]
    /// By table; nil for one that could not be read.
    public var shapes: [TableShape?]

    public init(findings: [Prerequisite], shapes: [TableShape?]) {
        self.findings = findings
        self.shapes = shapes
    }
}

/// A materialization whose prerequisites can be checked.
public protocol CheckedMaterialization: Materialization {
    /// As `CheckedCapture.check`, for one link; `shapes` are those of the source, by table.
    func check(_ link: LinkSpec, shapes: [TableShape?]) -> [Prerequisite]
}
