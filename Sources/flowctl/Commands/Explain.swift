import ArgumentParser
import Catalog
import Diagnostics
import JSON
import YAML

/// `flowctl explain`: what a diagnostic code means and how to mend it.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what a diagnostic code means, and how to mend the fault.",
        discussion: """
            EXAMPLES
              flowctl explain FC0402
              flowctl explain          # lists all codes
            """)

    /// All codes that the program reports.
    static let registry = DiagnosticCodeRegistry(DiagnosticCode.catalogCodes + DiagnosticCode.formatCodes)

    @OptionGroup var options: CommonOptions

    @Argument(
        help: "The code: FC0402, or 402. Without one all codes are listed.",
        completion: .list(registry.codes.map(\.name)))
    var code: String?

    func validate() throws {
        guard let code, Self.registry.find(code) == nil else { return }
        throw ValidationError("There is no code '\(code)'. 'flowctl explain' lists all of them.")
    }

    func run() {
        if let code = code.flatMap(Self.registry.find) {
            Output.line(options.output == .json ? JSONWriter.write(Self.object(code)) : Self.page(code))
            return
        }
        for code in Self.registry.codes {
            Output.line(options.output == .json ? JSONWriter.write(Self.object(code)) : "\(code.name)  \(code.title)")
        }
    }

    /// The page for people.
    static func page(_ code: DiagnosticCode) -> String {
        var parts = ["\(code.name): \(code.title)", Paragraph.wrap(code.explanation, width: 80)]
        parts.append("At fault:\n\n" + Paragraph.indent(code.bad))
        parts.append("Mended:\n\n" + Paragraph.indent(code.mended))
        return parts.joined(separator: "\n\n")
    }

    private static func object(_ code: DiagnosticCode) -> JSONValue {
        [
            "code": .string(code.name), "title": .string(code.title), "explanation": .string(code.explanation),
            "bad": .string(code.bad),
            "mended": .string(code.mended),
        ]
    }
}
