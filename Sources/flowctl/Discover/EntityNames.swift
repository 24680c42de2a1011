/// Gives names to new entities of a catalog: of the characters that a name may have, and no two alike when case is folded,
/// nor one the beginning of another's path.
struct EntityNames {
    private var taken: Set<String> = []
    /// Paths that have something below them.
    private var prefixes: Set<String> = []

    mutating func take(_ name: String) {
        let name = name.lowercased()
        taken.insert(name)
        var path = ""
        for part in name.split(separator: "/").dropLast() {
            path += (path.isEmpty ? "" : "/") + part
            prefixes.insert(path)
        }
    }

    /// The name, with a number at its end where it would collide.
    mutating func new(_ wanted: String) -> String {
        var name = wanted
        var number = 2
        while isTaken(name.lowercased()) {
            name = "\(wanted)_\(number)"
            number += 1
        }
        take(name)
        return name
    }

    private func isTaken(_ name: String) -> Bool {
        if taken.contains(name) || prefixes.contains(name) { return true }
        var path = ""
        for part in name.split(separator: "/").dropLast() {
            path += (path.isEmpty ? "" : "/") + part
            if taken.contains(path) { return true }
        }
        return false
    }

    /// One part of a name: other characters than letters, digits, `-`, `_` and `.` become `_`.
    static func token(_ text: String) -> String {
        let token = String(
            text.lowercased().map { character -> Character in
                let isPlain = character.unicodeScalars.count == 1 && (character.isLetter || character.isNumber)
                return isPlain || "-_.".contains(character) ? character : "_"
            })
        return token.isEmpty ? "_" : token
    }

    /// A prefix as parts, without empty ones.
    static func path(_ text: String) -> [String] { text.split(separator: "/").map { token(String($0)) } }

    /// An environment variable for the password of a database.
    static func variable(_ database: String, _ suffix: String = "") -> String {
        let name = database.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        let start = name.first?.isNumber == true ? "_" : ""
        return start + String(name) + suffix + "_PASSWORD"
    }
}
