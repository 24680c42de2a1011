/// Guesses from a field's name, or from the text itself, that a value is a secret, for text that no schema has looked at yet.
public enum SecretName {
    private static let words = ["password", "passwd", "passphrase", "secret", "token", "privatekey", "credential"]

    /// Whether the name holds one of the usual words, or is one with a slip of the pen (`pasword`).
    public static func isLikely(_ name: String) -> Bool {
        let letters = name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" }
        let text = String(String.UnicodeScalarView(letters.prefix(80)))
        return words.contains { text.contains($0) } || Suggestion.nearest(to: text, among: words) != nil
    }

    /// Whether text holds a name and a password before an `@`, as a connection string's: `postgres://user:password@host`.
    public static func hasLogin(_ text: String) -> Bool { SecretScan(Array(text.unicodeScalars)).hasLogin }
}
