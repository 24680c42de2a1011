/// What `quote_ident`s joined by commas give.
public enum QuotedNames {
    /// The names, in their order.
    public static func split(_ text: String) -> [String] {
        var names: [String] = []
        var current = "".unicodeScalars
        var isQuoted = false
        var iterator = text.unicodeScalars.makeIterator()
        var pending = iterator.next()
        while let character = pending {
            pending = iterator.next()
            switch character {
            case "\"" where isQuoted && pending == "\"":
                current.append("\"")
                pending = iterator.next()
            case "\"":
                isQuoted.toggle()
            case "," where !isQuoted:
                names.append(String(current))
                current.removeAll()
            default:
                current.append(character)
            }
        }
        if !text.isEmpty { names.append(String(current)) }
        return names
    }
}
