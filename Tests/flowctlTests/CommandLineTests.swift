import ArgumentParser
import Foundation
import Testing

@testable import flowctl

@Suite("the command line describes itself")
struct CommandLineTests {
    /// Every command but the root, hidden ones too.
    private static var commands: [any ParsableCommand.Type] { Flowctl.configuration.subcommands }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func name(_ command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? String(describing: command).lowercased()
    }

    /// The words after `flowctl` of each line below EXAMPLES.
    private static func examples(_ command: any ParsableCommand.Type) -> [[String]] {
        var isExample = false
        return command.configuration.discussion.split(separator: "\n", omittingEmptySubsequences: false).compactMap {
            isExample = $0 == "EXAMPLES" || (isExample && $0.hasPrefix("  "))
            guard isExample, let start = $0.firstRange(of: "flowctl ") else { return nil }
            let words = $0[start.upperBound...].split(separator: " ")
            return words.prefix { !["|", ">", "#"].contains($0) }.map(String.init)
        }
    }

    @Test("each command's help begins with examples, and the program itself accepts them")
    func examples() throws {
        for command in Self.commands + [Flowctl.self] {
            let examples = Self.examples(command)
            #expect(!examples.isEmpty, "\(command)")
            for words in examples where words.first != "--generate-completion-script" {
                let parsed = try Flowctl.parseAsRoot(words)
                if command != Flowctl.self { #expect(type(of: parsed) == command, "\(words)") }
            }
        }
    }

    @Test(
        "a command that there is not is named, with the one that may be meant",
        .enabled(if: Program.executable != nil), arguments: [["valdate", "a.yaml"], ["help", "valdate"]])
    func unknown(words: [String]) throws {
        let program = try Program()
        defer { program.remove() }
        let run = try program.run(words)
        #expect(run.status == 64 && run.output.isEmpty)
        #expect(run.errors == "Error: there is no command 'valdate'; did you mean 'validate'?\n", "\(run.errors)")
    }

    @Test("docs/cli.md lists exactly the commands that help lists")
    func documented() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/cli.md"), encoding: .utf8)
        let table = try #require(text.firstMatch(of: /<!-- commands -->([\s\S]*?)<!-- \/commands -->/)?.1)
        let listed = table.matches(of: /(?m)^\| `(\w+)/).map { String($0.1) }
        let shown = Self.commands.filter { $0.configuration.shouldDisplay }.map(Self.name)
        #expect(listed.sorted() == shown.sorted())
    }

    @Test("every exit code of docs/cli.md is in the manual")
    func exitCodes() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/cli.md"), encoding: .utf8)
        let table = try #require(text.firstRange(of: "## Exit codes")).upperBound
        let listed = text[table...].matches(of: /(?m)^\| ([\d, ]+) \|/).flatMap { $0.1.split(separator: ", ") }
        #expect(Set(listed.map(String.init)).isSubset(of: ExitStatus.meanings.map { String($0.code) }))
        #expect(listed.count >= 9)
    }

    @Test("the manual has a page for the program and for each command, each with all that its help says")
    func manual() {
        let pages = ManualPage.all(of: Flowctl.self)
        let shown = Self.commands.filter { $0.configuration.shouldDisplay }.map { "flowctl-" + Self.name($0) }
        #expect(pages.map(\.name) == ["flowctl"] + shown)
        for page in pages {
            let source = page.source(exitCodes: ExitStatus.meanings)
            for section in ["NAME", "SYNOPSIS", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\""] {
                #expect(source.contains("\n.SH \(section)\n"), "\(page.name)")
            }
            // A line that begins with a full stop is a macro to troff: all of them are ours.
            let macros = source.split(separator: "\n").filter { $0.hasPrefix(".") }.map { $0.prefix { $0 != " " } }
            #expect(Set(macros).isSubset(of: [".TH", ".SH", ".TP", ".PP", ".EX", ".EE"]))
        }
    }

    @Test("bash completes commands, options, their values and codes", .enabled(if: Program.executable != nil))
    func completion() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write("flowctl.bash", Flowctl.completionScript(for: .bash))
        func completions(_ words: String...) throws -> [String] {
            let line = words.joined(separator: " ")
            try program.write(
                "try.sh",
                """
                source ./flowctl.bash
                COMP_WORDS=(\(words.map { "'\($0)'" }.joined(separator: " ")))
                COMP_CWORD=\(words.count - 1) COMP_LINE='\(line)' COMP_POINT=\(line.count) COMP_TYPE=9
                _flowctl flowctl '\(words[words.count - 1])' '\(words[words.count - 2])'
                printf '%s\\n' "${COMPREPLY[@]}"
                """)
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["--norc", "try.sh"]
            process.currentDirectoryURL = program.folder
            process.standardError = FileHandle.nullDevice
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        #expect(try completions("flowctl", "val") == ["validate"])
        #expect(try completions("flowctl", "validate", "--form") == ["--format"])
        #expect(try completions("flowctl", "validate", "--format", "s") == ["sarif"])
        #expect(try completions("flowctl", "explain", "FC040").contains("FC0402"))
        try program.write("shop.yaml", "")
        for command in Self.commands where command.helpMessage().contains("atalog file") {
            let name = Self.name(command)
            #expect(try completions("flowctl", name, "sho") == ["shop.yaml"], "\(name)")
        }
        #expect(try completions("flowctl", "diff", "sho") == ["shop.yaml"])
    }

    @Test("zsh and fish have a script that names every command", arguments: [CompletionShell.zsh, .fish])
    func otherShells(shell: CompletionShell) {
        let script = Flowctl.completionScript(for: shell)
        for command in Self.commands where command.configuration.shouldDisplay {
            #expect(script.contains(Self.name(command)))
        }
    }
}
