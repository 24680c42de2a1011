import ArgumentParser
import Catalog
import Diagnostics
import JSON

/// `flowctl fmt`: brings catalog files into one style.
struct Format: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt",
        abstract: "Bring catalog files into one style; comments and anchors stay, and so does what they mean.",
        discussion: """
            EXAMPLES
              flowctl fmt catalogs/*.yaml
              flowctl fmt --check catalogs/*.yaml   # changes nothing, exits with 1 where it would
              flowctl fmt - < flow.yaml             # from standard input to standard output

            Prints the files that it changes. A file at fault is reported (exit code 65) and left as it is.
            """)

    @OptionGroup var options: CommonOptions

    @Flag(help: "Change nothing, and exit with 1 where a file is not in the style.")
    var check = false

    @Argument(
        help: "Catalog files; - is standard input, whose formatted text goes to standard output.",
        completion: .catalogFile)
    var files: [String]

    func validate() throws {
        if files.count(where: { $0 == "-" }) > 1 { throw ValidationError("Standard input can be read only once.") }
    }

    func run() throws {
        var found = DiagnosticCollector()
        var hasChanges = false
        var status = ExitStatus.done
        for path in files {
            do throws(FileReplacement.Failure) {
                guard let isChanged = try format(path, &found) else { continue }
                hasChanges = hasChanges || isChanged
            } catch {
                Output.log("flowctl: can't write '\(path)': \(error.reason)")
                status = .unavailable
            }
        }
        if found.hasErrors {
            let format: DiagnosticFormat = options.output == .json || options.logFormat == .json ? .json : .human
            Output.log(lines: found.render(format, files: files.count, colour: Output.hasColour))
            status = .catalogInvalid
        } else if status == .done, check, hasChanges {
            status = .differences
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }

    /// Formats a file and says whether its text was another before; nil where it is at fault.
    private func format(_ path: String, _ found: inout DiagnosticCollector) throws(FileReplacement.Failure) -> Bool? {
        let name = path == "-" ? "<stdin>" : path
        let file: SourceFile
        do {
            file = SourceFile(path: name, bytes: try FileSystem.read(path))
        } catch {
            let empty = SourceFile(path: name, bytes: [])
            found.report(
                .error(
                    .unreadableFile, "can't read '\(name)': \(error.reason)", at: empty.range(0, 0),
                    hint: "check the path and its permissions", isSecret: true))
            return nil
        }
        guard let text = CatalogStyle.format(file, &found) else { return nil }
        let isChanged = !text.utf8.elementsEqual(file.bytes)
        if path == "-" {
            if !check { Output.lines(text) }
        } else if isChanged, !check {
            try FileReplacement.write(path, text.utf8)
        }
        if options.output == .json, path != "-" || check {
            Output.line(JSONWriter.write(["file": .string(file.path), "changed": .bool(isChanged)], .spaced))
        } else if isChanged, path != "-" || check {
            Output.line(file.path)
        }
        return isChanged
    }
}
