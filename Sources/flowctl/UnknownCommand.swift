import ArgumentParser
import Diagnostics

/// What to say to somebody who names a command that there is not, as the first word or after `help`.
enum UnknownCommand {
    /// The sentence; nil where the command is known or none is named. `arguments` are what follows the program's name.
    static func text(_ arguments: [String]) -> String? {
        guard let name = arguments.first == "help" ? arguments.dropFirst().first : arguments.first,
            !name.hasPrefix("-"), name != "help"
        else { return nil }
        let known = Flowctl.configuration.subcommands.compactMap { $0.configuration.commandName }
        guard !known.contains(name) else { return nil }
        let guess = Suggestion.hint(for: name, among: known)
        return "there is no command '\(name)'; \(guess ?? "'flowctl --help' lists them")"
    }
}
