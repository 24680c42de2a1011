/// One thing to say about what the user wrote or must set up.
public struct Diagnostic: Sendable, Hashable {
    /// How grave it is. Only an error makes a catalog invalid.
    public enum Severity: String, Sendable, Hashable, CaseIterable {
        /// The catalog is invalid.
        case error
        /// The catalog is valid, but something in it is probably not meant.
        case warning
        /// Something worth knowing.
        case note
    }

    /// Another place that belongs to the fault.
    public struct Note: Sendable, Hashable {
        /// What stands there, worded so that "at file:line:column" can follow.
        public var message: String
        /// The place; nil where the message says it all.
        public var range: SourceRange?

        /// A note, with its place where it has one.
        public init(_ message: String, at range: SourceRange? = nil) {
            self.message = message
            self.range = range
        }
    }

    /// How grave it is.
    public var severity: Severity
    /// The stable kind.
    public var code: DiagnosticCode
    /// One sentence without a full stop. It must not hold a secret.
    public var message: String
    /// The offending text; nil where the fault has no place in a file.
    public var range: SourceRange?
    /// The JSON pointer of the faulty value in its file (RFC 6901); nil for a syntax fault.
    public var pointer: String?
    /// Other places, in the order to show them.
    public var notes: [Note]
    /// What to do about it, or a guess at what was meant.
    public var hint: String?
    /// The offending text may be a secret: no renderer shows it.
    public var isSecret: Bool

    /// A diagnostic with everything that is known about the fault.
    public init(
        _ severity: Severity, _ code: DiagnosticCode, _ message: String, at range: SourceRange? = nil,
        pointer: String? = nil, notes: [Note] = [], hint: String? = nil, isSecret: Bool = false
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.range = range
        self.pointer = pointer
        self.notes = notes
        self.hint = hint
        self.isSecret = isSecret
    }

    /// An error.
    public static func error(
        _ code: DiagnosticCode, _ message: String, at range: SourceRange? = nil, pointer: String? = nil,
        notes: [Note] = [], hint: String? = nil, isSecret: Bool = false
    ) -> Diagnostic {
        Diagnostic(
            .error, code, message, at: range, pointer: pointer, notes: notes, hint: hint, isSecret: isSecret)
    }

    /// A warning.
    public static func warning(
        _ code: DiagnosticCode, _ message: String, at range: SourceRange? = nil, pointer: String? = nil,
        notes: [Note] = [], hint: String? = nil, isSecret: Bool = false
    ) -> Diagnostic {
        Diagnostic(
            .warning, code, message, at: range, pointer: pointer, notes: notes, hint: hint, isSecret: isSecret)
    }

    /// A note that stands by itself.
    public static func note(
        _ code: DiagnosticCode, _ message: String, at range: SourceRange? = nil, pointer: String? = nil,
        notes: [Note] = [], hint: String? = nil, isSecret: Bool = false
    ) -> Diagnostic {
        Diagnostic(
            .note, code, message, at: range, pointer: pointer, notes: notes, hint: hint, isSecret: isSecret)
    }
}
