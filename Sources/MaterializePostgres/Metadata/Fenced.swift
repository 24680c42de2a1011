import Connectors

/// Who has the link now.
enum Fenced {
    static func error(_ link: LinkSpec) -> RunError {
        RunError(
            .fenced, operation: "commit", object: "the link from \(link.capture)",
            message: "another runner has taken it over", task: link.materialization)
    }
}
