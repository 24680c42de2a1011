/// The text of a one-dimensional array, for a parameter or a literal that is cast to the array's type (manual, "Array Input and
/// Output Syntax").
public enum ArrayText {
    /// An array of texts: each is taken as it is, also one that is empty, reads NULL, or has braces, commas and quotes.
    public static func of(_ texts: [String]) -> String { "{" + texts.map(element).joined(separator: ",") + "}" }

    /// An array of the numbers of catalog objects.
    public static func of(_ oids: [UInt32]) -> String {
        "{" + oids.map { String($0) }.joined(separator: ",") + "}"
    }

    /// One element in its quotes. Scalars are looked at, not characters: a quote with an accent on it is a quote to the server.
    public static func element(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
