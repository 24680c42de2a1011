import Diagnostics
import JSON
import JSONSchema
import YAML

/// What is done with one hostile input: whatever the bytes are, it must come back, soon, with bounded memory.
public enum FuzzTrial: String, CaseIterable, Sendable {
    /// A catalog file of YAML: parsed, turned into a value, and its faults printed in every form.
    case yaml
    /// The same of JSON.
    case json
    /// A JSON Schema on the first line and a value on the others, both YAML, of which more changes are valid than of JSON:
    /// compiled as Flow's and as the specification's, then checked.
    case schema
    /// A regular expression on the first line and text on the others.
    case pattern

    /// Runs it.
    public func run(_ bytes: [UInt8]) {
        switch self {
        case .yaml: Self.parse(bytes, path: "a.yaml")
        case .json: Self.parse(bytes, path: "a.json")
        case .schema: Self.check(bytes)
        case .pattern: Self.match(bytes)
        }
    }

    /// Small limits, so that most of the time goes into many inputs and not into a few large ones.
    private static let limits = DocumentLimits(nodes: 100_000)

    private static func parse(_ bytes: [UInt8], path: String) {
        var diagnostics = DiagnosticCollector()
        let document = Document.parse(SourceFile(path: path, bytes: bytes), &diagnostics, limits: limits)
        if let value = document.root?.value, (document.root?.nodeCount ?? 0) < 10_000 {
            let text = JSONWriter.write(value)
            precondition((try? JSONValue(parsing: text)) == value, "what is written is not what is read")
        }
        precondition(document.isComplete || diagnostics.hasErrors, "a text is given up without a word")
        for format in DiagnosticFormat.allCases { _ = diagnostics.render(format, files: 1, colour: true) }
    }

    private static func check(_ bytes: [UInt8]) {
        let (first, rest) = halves(bytes)
        guard let document = value(first) else { return }
        let value = value(rest) ?? document
        for options in [SchemaCompiler.Options.flow, .specification] {
            guard let schema = try? SchemaCompiler(options).compile(document) else { continue }
            let failures = schema.validate(value)
            precondition(schema.isValid(value) == failures.isEmpty, "a verdict without its reason")
            _ = schema.annotations(named: ["secret", "reduce"], of: value, evenInvalid: true)
        }
    }

    private static func value(_ bytes: [UInt8]) -> JSONValue? {
        var diagnostics = DiagnosticCollector()
        return Document.parse(SourceFile(path: "a.yaml", bytes: bytes), &diagnostics, limits: limits).root?.value
    }

    private static func match(_ bytes: [UInt8]) {
        let (first, rest) = halves(bytes)
        guard let pattern = try? Pattern(String(decoding: first, as: UTF8.self)) else { return }
        _ = pattern.matches(String(decoding: rest, as: UTF8.self))
    }

    private static func halves(_ bytes: [UInt8]) -> ([UInt8], [UInt8]) {
        guard let end = bytes.firstIndex(of: 0x0A) else { return (bytes, []) }
        return (Array(bytes[..<end]), Array(bytes[(end + 1)...]))
    }
}
