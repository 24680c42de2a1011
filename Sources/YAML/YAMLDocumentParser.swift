import Diagnostics
import JSON

/// Parses YAML text (1.2, core schema) into located nodes.
public enum YAMLDocumentParser {
    /// Parses a file. Faults go to the collector; what could be read is kept.
    public static func parse(
        _ file: SourceFile, _ diagnostics: inout DiagnosticCollector, limits: DocumentLimits = .standard
    ) -> Document {
        let bytes = file.bytes
        if let fault = encodingFault(file) {
            diagnostics.report(fault)
            return Document(file: file, root: nil, isComplete: false)
        }
        if let fault = directiveFault(file) {
            diagnostics.report(fault)
            return Document(file: file, root: nil, isComplete: false)
        }
        let base = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let offsets = CharacterOffsets(bytes, base: base)
        var composer = TreeComposer(file, offsets: offsets, limits: limits)
        let failure = EventReader.read(bytes[base...]) { composer.visit($0) }
        let isComplete = failure == nil && !composer.isStopped
        var marks = offsets
        composer.closeAll(fault: failure?.problemMark.map { marks.offset($0) })
        diagnostics.report(composer.faults)
        if let failure {
            var fault = SyntaxFault(file: file, offsets: offsets)
            diagnostics.report(fault.diagnostic(failure))
            var recovery = SyntaxRecovery(file, offsets)
            for further in recovery.failures(after: failure) {
                diagnostics.report(fault.diagnostic(further))
            }
        }
        let root = composer.root.map { Node($0, file: file, path: nil, usedAt: nil) }
        return Document(file: file, root: root, isComplete: isComplete)
    }

    private static func encodingFault(_ file: SourceFile) -> Diagnostic? {
        let bytes = file.bytes
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return .error(
                .encoding, "the file is UTF-16, not UTF-8", at: file.range(0, 0), hint: "save it as UTF-8",
                isSecret: true)
        }
        guard let offset = UTF8Check.firstFault(in: bytes) else { return nil }
        return .error(
            .encoding,
            "the file is not UTF-8: byte \(offset) is 0x\(String(bytes[offset], radix: 16, uppercase: true))",
            at: file.range(offset, offset + 1), hint: "save it as UTF-8", isSecret: true)
    }

    /// libyaml compares every %TAG directive with all others, so their number must be small.
    private static func directiveFault(_ file: SourceFile) -> Diagnostic? {
        var count = 0
        var isLineStart = true
        for (offset, byte) in file.bytes.enumerated() {
            if isLineStart && byte == UInt8(ascii: "%") {
                count += 1
                if count > 100 {
                    return .error(
                        .yamlSyntax, "the file has too many lines that start with '%'",
                        at: file.range(offset, offset + 1))
                }
            }
            isLineStart = byte == 0x0A || byte == 0x0D
        }
        return nil
    }
}
