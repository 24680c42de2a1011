/// Prints one SARIF log (OASIS SARIF 2.1.0) that code-scanning services read.
///
/// Columns count Unicode code points, as `columnKind` says; paths become relative URIs.
public struct SARIFRenderer: Sendable {
    private let version: String

    /// A renderer that names the tool's version in the log; an empty one is left out.
    public init(version: String = "") {
        self.version = version
    }

    /// The whole log with a line break at its end.
    public func render(_ diagnostics: [Diagnostic]) -> String {
        var json = JSONText()
        json.raw("{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\", \"version\": \"2.1.0\", ")
        json.raw("\"runs\": [{\"tool\": {\"driver\": {\"name\": \"flowctl\", ")
        if !version.isEmpty {
            json.member("version", version)
            json.raw(", ")
        }
        json.raw("\"rules\": [")
        let rules = Set(diagnostics.map(\.code)).sorted { $0.number < $1.number }
        for (index, code) in rules.enumerated() {
            json.raw(index == 0 ? "{" : ", {")
            json.member("id", code.name)
            json.raw(", \"shortDescription\": {")
            json.member("text", code.title)
            json.raw("}, \"fullDescription\": {")
            json.member("text", code.explanation)
            json.raw("}, \"help\": {")
            json.member("text", "\(code.explanation)\n\nAt fault:\n\n\(code.bad)\n\nMended:\n\n\(code.mended)")
            json.raw(", ")
            let fence = "```"
            json.member(
                "markdown",
                "\(code.explanation)\n\nAt fault:\n\n\(fence)yaml\n\(code.bad)\n\(fence)\n\nMended:\n\n\(fence)yaml\n\(code.mended)\n\(fence)"
            )
            json.raw("}}")
        }
        json.raw("]}}, \"columnKind\": \"unicodeCodePoints\", \"results\": [")
        for (index, diagnostic) in diagnostics.enumerated() {
            if index > 0 { json.raw(", ") }
            write(diagnostic, to: &json)
        }
        json.raw("]}]}\n")
        return json.text
    }

    private func write(_ diagnostic: Diagnostic, to json: inout JSONText) {
        json.raw("{")
        json.member("ruleId", diagnostic.code.name)
        json.raw(", ")
        json.member("level", diagnostic.severity.rawValue)
        json.raw(", \"message\": {")
        json.member("text", diagnostic.message + (diagnostic.hint.map { "\nhint: " + $0 } ?? ""))
        json.raw("}")
        if let range = diagnostic.range {
            json.raw(", \"locations\": [{")
            write(range, to: &json)
            json.raw("}]")
        }
        let places = diagnostic.notes.compactMap { note in note.range.map { (note.message, $0) } }
        if !places.isEmpty {
            json.raw(", \"relatedLocations\": [")
            for (index, (message, range)) in places.enumerated() {
                json.raw(index == 0 ? "{" : ", {")
                write(range, to: &json)
                json.raw(", \"message\": {")
                json.member("text", message)
                json.raw("}}")
            }
            json.raw("]")
        }
        json.raw("}")
    }

    private func write(_ range: SourceRange, to json: inout JSONText) {
        let start = range.start
        let end = range.end
        json.raw("\"physicalLocation\": {\"artifactLocation\": {")
        json.member("uri", Self.uri(range.file.path))
        json.raw("}, \"region\": {\"startLine\": \(start.line), \"startColumn\": \(start.column), ")
        json.raw("\"endLine\": \(end.line), \"endColumn\": \(end.column)}}")
    }

    /// A path as a URI reference: what RFC 3986 does not allow in a path is percent-encoded.
    private static func uri(_ path: String) -> String {
        var result = path.hasPrefix("/") ? "file://" : ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: "@"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return result
    }
}
