import Connectors

/// The exit codes that scripts rely on (docs/cli.md).
enum ExitStatus: Int32 {
    case done = 0
    case differences = 1
    case changes = 2
    case usage = 64
    case catalogInvalid = 65
    case unavailable = 69
    case internalError = 70
    case gaveUp = 75

    /// What a failed run exits with.
    init(_ error: any Error) {
        guard let error = error as? RunError else {
            self = .internalError
            return
        }
        switch error.kind {
        case .transient: self = .gaveUp
        case .needsOperator, .authentication, .fenced, .unreachable: self = .unavailable
        case .internal: self = .internalError
        }
    }
}
