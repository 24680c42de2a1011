import Diagnostics

/// What a parser made of one file.
public struct Document: Sendable {
    /// The file.
    public let file: SourceFile
    /// The file's value; nil for a file that holds none, or nothing that could be kept.
    public let root: Node?
    /// Whether the whole text was read. Where it was not, names may be missing that the rest of the file defines.
    public let isComplete: Bool

    /// Parses a file as JSON where its path ends in `.json`, else as YAML. Faults go to the collector.
    ///
    /// YAML that is JSON from end to end, such as JSON on stdin, is read by JSON's rules, of which YAML knows all but
    /// a few escapes.
    public static func parse(
        _ file: SourceFile, _ diagnostics: inout DiagnosticCollector, limits: DocumentLimits = .standard
    ) -> Document {
        diagnostics.add(file)
        if file.bytes.count > limits.bytes {
            let message = "the file has \(file.bytes.count) bytes; a catalog file may have \(limits.bytes)"
            diagnostics.report(
                .error(.tooManyNodes, message, at: file.range(0, 0), hint: "split it into several files"))
            return Document(file: file, root: nil, isComplete: false)
        }
        if file.path.lowercased().hasSuffix(".json") {
            return JSONDocumentParser.parse(file, &diagnostics, limits: limits)
        }
        if let first = file.bytes.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            var attempt = DiagnosticCollector()
            let document = JSONDocumentParser.parse(file, &attempt, limits: limits)
            if document.isComplete {
                diagnostics.merge(attempt)
                return document
            }
        }
        return YAMLDocumentParser.parse(file, &diagnostics, limits: limits)
    }
}
