/// A type as Postgres' `format_type` writes it, taken apart: `numeric(10,2)[]` is `numeric`, `10` and `2`, an array.
struct TypeName: Hashable {
    /// The name without modifiers and brackets: `timestamp without time zone`, `public.mood`.
    var base: String
    /// What stands in parentheses; nil where nothing does.
    var modifiers: [String]?
    var isArray: Bool

    init(_ text: String) {
        var rest = Substring(text)
        isArray = false
        while rest.hasSuffix("[]") {
            rest = rest.dropLast(2)
            isArray = true
        }
        guard let open = TypeName.firstParenthesis(in: rest),
            let close = rest[open...].firstIndex(of: ")")
        else {
            base = String(rest)
            modifiers = nil
            return
        }
        base = String(rest[..<open] + rest[rest.index(after: open)...][close...].dropFirst())
        modifiers = rest[rest.index(after: open)..<close].split(separator: ",").map { part in
            String(part.drop { $0 == " " })
        }
    }

    /// The schema and the name that it begins with, without quotes; nil of a type that the server has by itself.
    var qualified: (schema: String, name: String)? {
        var parts: [String] = []
        var current = "".unicodeScalars
        var isQuoted = false
        var rest = base.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"" where isQuoted && rest.first == "\"":
                current.append(scalar)
                rest.removeFirst()
            case "\"": isQuoted.toggle()
            case "." where !isQuoted:
                parts.append(String(current))
                current.removeAll()
            case " " where !isQuoted, "[" where !isQuoted, "(" where !isQuoted: rest = rest.suffix(0)
            default: current.append(scalar)
            }
        }
        return parts.count == 1 ? (parts[0], String(current)) : nil
    }

    /// The modifiers as numbers; empty where there are none or they are something else.
    var numbers: [Int] { (modifiers ?? []).compactMap { Int($0) } }

    /// The type of an array's elements.
    var element: TypeName {
        var copy = self
        copy.isArray = false
        return copy
    }

    /// The first `(` that no quoted identifier holds.
    private static func firstParenthesis(in text: Substring) -> Substring.Index? {
        var isQuoted = false
        for index in text.indices {
            if text[index] == "\"" { isQuoted.toggle() }
            if text[index] == "(", !isQuoted { return index }
        }
        return nil
    }
}
