/// Guesses from a field's name, or from the text itself, that a value is a secret, for text that no schema has looked at yet.
public enum SecretName {
    private static let words = ["password", "passwd", "passphrase", "secret", "token", "privatekey", "credential"]

    /// Whether the name holds one of the usual words, or is one with a slip of the pen (`pasword`).
    public static func isLikely(_ name: String) -> Bool {
        let letters = name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" }
        let text = String(String.UnicodeScalarView(letters.prefix(80)))
        return holdsWord(Array(text.utf8)) || Suggestion.nearest(to: text, among: words) != nil
    }

    private static let spelt = words.map { Array($0.utf8) }

    /// Byte by byte: every member of every config is asked, and the standard library's search takes far longer to begin.
    private static func holdsWord(_ text: [UInt8]) -> Bool {
        for word in spelt where word.count <= text.count {
            for start in 0...(text.count - word.count)
            where text[start] == word[0] && text[start..<start + word.count].elementsEqual(word) { return true }
        }
        return false
    }

    /// Whether text holds a name and a password before an `@`, as a connection string's: `postgres://user:password@host`.
    public static func hasLogin(_ text: String) -> Bool { SecretScan(Array(text.unicodeScalars)).hasLogin }
}
