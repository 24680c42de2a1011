import Diagnostics

extension Node {
    /// A diagnostic about this node: at its text, with its pointer, and with a note where an alias brings it in.
    public func diagnostic(
        _ severity: Diagnostic.Severity, _ code: DiagnosticCode, _ message: String, notes: [Diagnostic.Note] = [],
        hint: String? = nil, isSecret: Bool = false
    ) -> Diagnostic {
        Diagnostic(
            severity, code, message, at: range, pointer: pointer.description, notes: aliasNotes + notes, hint: hint,
            isSecret: isSecret)
    }

    /// An error about this node.
    public func error(
        _ code: DiagnosticCode, _ message: String, notes: [Diagnostic.Note] = [], hint: String? = nil,
        isSecret: Bool = false
    ) -> Diagnostic {
        diagnostic(.error, code, message, notes: notes, hint: hint, isSecret: isSecret)
    }

    /// The note that says where an alias uses this node; empty for a node used where it is written.
    public var aliasNotes: [Diagnostic.Note] {
        usedAt.map { [Diagnostic.Note("brought in by an alias", at: $0)] } ?? []
    }
}

extension Node.Member {
    /// An error about the member's name: at the name, with the member's pointer.
    public func keyError(
        _ code: DiagnosticCode, _ message: String, notes: [Diagnostic.Note] = [], hint: String? = nil
    ) -> Diagnostic {
        .error(
            code, message, at: keyRange, pointer: value.pointer.description, notes: value.aliasNotes + notes, hint: hint
        )
    }
}
