import Diagnostics
import TaskGraph

/// What to say to somebody who asks `-o` for a form that `--format` has.
enum FormHint {
    /// The command's forms beside `human` and `json`.
    private static func forms(of command: String) -> [String] {
        let all: [String] =
            switch command {
            case "validate": DiagnosticFormat.allCases.map(\.rawValue)
            case "test": TestReport.Format.allCases.map(\.rawValue)
            case "graph": GraphFormat.allCases.map(\.rawValue)
            default: []
            }
        return all.filter { OutputForm(rawValue: $0) == nil }
    }

    /// The sentence; nil where nothing of the kind was asked for. `arguments` are what follows the program's name.
    static func text(_ arguments: [String]) -> String? {
        guard let command = arguments.first else { return nil }
        let forms = forms(of: command)
        for (index, argument) in arguments.enumerated() {
            let isName = argument == "-o" || argument == "--output"
            let value = isName ? arguments.dropFirst(index + 1).first ?? "" : glued(argument)
            if forms.contains(value) {
                return
                    "'\(value)' is a form of --format: flowctl \(command) --format \(value) …; -o takes human and json"
            }
        }
        return nil
    }

    /// The value that is written together with the option's name.
    private static func glued(_ argument: String) -> String {
        for name in ["--output=", "-o="] where argument.hasPrefix(name) {
            return String(argument.dropFirst(name.count))
        }
        return argument.hasPrefix("-o") ? String(argument.dropFirst(2)) : ""
    }
}
