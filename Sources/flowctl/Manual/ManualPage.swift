import ArgumentParser
import JSON

/// A page of the manual, in the macros of man(7), made from what the command says about itself.
struct ManualPage {
    /// The page's name without its section: `flowctl-validate`.
    let name: String
    private let command: JSONValue
    private let subcommands: [JSONValue]

    /// All pages: the program's, then one for each command that its help lists.
    static func all(of root: any ParsableCommand.Type) -> [ManualPage] {
        guard let dump = try? JSONValue(parsing: Array(root._dumpHelp().utf8)), let command = dump["command"] else {
            return []
        }
        return pages(of: command, named: "")
    }

    private static func pages(of command: JSONValue, named prefix: String) -> [ManualPage] {
        let name = prefix + (command["commandName"]?.stringValue ?? "")
        let subcommands = (command["subcommands"]?.arrayValue ?? []).filter {
            isShown($0) && text($0, "commandName") != "help"
        }
        let page = ManualPage(name: name, command: command, subcommands: subcommands)
        return [page] + subcommands.flatMap { pages(of: $0, named: name + "-") }
    }

    private static func isShown(_ value: JSONValue) -> Bool { value["shouldDisplay"]?.boolValue ?? true }
    private static func text(_ value: JSONValue, _ key: String) -> String { value[key]?.stringValue ?? "" }

    /// The page's source. `codes` are the exit codes and their meanings.
    func source(exitCodes codes: [(code: Int32, meaning: String)]) -> String {
        var lines = [".TH \(Self.escaped(name.uppercased())) 1 \"\" flowctl \"Manual of flowctl\"", ".SH NAME"]
        lines.append(Self.escaped("\(name) - \(Self.text(command, "abstract"))"))
        lines += [".SH SYNOPSIS"] + synopsis
        let (prose, examples) = discussion
        if !prose.isEmpty { lines += [".SH DESCRIPTION"] + prose }
        let arguments = (command["arguments"]?.arrayValue ?? []).filter(Self.isShown)
        if !arguments.isEmpty { lines += [".SH OPTIONS"] + arguments.flatMap(Self.entry) }
        if !subcommands.isEmpty {
            lines.append(".SH COMMANDS")
            for subcommand in subcommands {
                let name = Self.escaped("\(name)-\(Self.text(subcommand, "commandName"))")
                lines += [".TP", "\\fB\(name)\\fR(1)", Self.escaped(Self.text(subcommand, "abstract"))]
            }
        }
        if !examples.isEmpty { lines += [".SH EXAMPLES", ".EX"] + examples.map(Self.escaped) + [".EE"] }
        lines.append(".SH \"EXIT STATUS\"")
        for (code, meaning) in codes { lines += [".TP", "\\fB\(code)\\fR", Self.escaped(meaning)] }
        if name.contains("-") { lines += [".SH \"SEE ALSO\"", "\\fBflowctl\\fR(1)"] }
        return lines.joined(separator: "\n") + "\n"
    }

    private var synopsis: [String] {
        var words: [String] = []
        for argument in command["arguments"]?.arrayValue ?? [] where Self.isShown(argument) {
            var word =
                argument["kind"]?.stringValue == "positional" ? Self.placeholder(argument) : Self.option(argument)
            if argument["isRepeating"]?.boolValue == true { word += " ..." }
            words.append(argument["isOptional"]?.boolValue == true ? "[\(word)]" : word)
        }
        if !subcommands.isEmpty { words.append("\\fIcommand\\fR") }
        return ["\\fB\(Self.escaped(name.replacing("-", with: " ")))\\fR"] + words
    }

    /// The prose as source, with a macro between its paragraphs, and the lines below EXAMPLES without their indentation.
    private var discussion: (prose: [String], examples: [String]) {
        var prose: [String] = []
        var examples: [String] = []
        var isExample = false
        for line in Self.text(command, "discussion").split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "EXAMPLES" {
                isExample = true
            } else if isExample, line.hasPrefix("  ") {
                examples.append(String(line.dropFirst(2)))
            } else {
                isExample = false
                if !line.isEmpty {
                    prose.append(Self.escaped(String(line)))
                } else if let last = prose.last, last != ".PP" {
                    prose.append(".PP")
                }
            }
        }
        if prose.last == ".PP" { prose.removeLast() }
        return (prose, examples)
    }

    private static func entry(_ argument: JSONValue) -> [String] {
        var words: [String] = []
        if argument["kind"]?.stringValue == "positional" {
            words.append(placeholder(argument))
        } else {
            for name in argument["names"]?.arrayValue ?? [] {
                words.append("\\fB" + escaped(dashed(name)) + "\\fR")
            }
            if argument["kind"]?.stringValue == "option" { words[words.count - 1] += " " + placeholder(argument) }
        }
        var meaning = text(argument, "abstract")
        if let values = argument["allValues"]?.arrayValue, values.count > 4 {
            meaning += " One of \(values.compactMap(\.stringValue).joined(separator: ", "))."
        }
        if let value = argument["defaultValue"]?.stringValue { meaning += " (\(value) where it is not given)" }
        return [".TP", words.joined(separator: ", "), escaped(meaning)]
    }

    private static func option(_ argument: JSONValue) -> String {
        let name = argument["preferredName"].map(dashed) ?? ""
        let value = argument["kind"]?.stringValue == "option" ? " " + placeholder(argument) : ""
        return "\\fB" + escaped(name) + "\\fR" + value
    }

    private static func dashed(_ name: JSONValue) -> String {
        (text(name, "kind") == "short" ? "-" : "--") + text(name, "name")
    }

    private static func placeholder(_ argument: JSONValue) -> String {
        if let values = argument["allValues"]?.arrayValue, values.count <= 4 {
            return values.compactMap(\.stringValue).map(escaped).joined(separator: "|")
        }
        return "\\fI" + escaped(text(argument, "valueName")) + "\\fR"
    }

    /// Text that troff shows as it is.
    private static func escaped(_ text: String) -> String {
        var result = text.first.map { ".'".contains($0) } == true ? "\\&" : ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "`", "'": result += scalar == "`" ? "\\(ga" : "\\(aq"
            case "…": result += "..."
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
