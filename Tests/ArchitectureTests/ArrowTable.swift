/// Which room may import which.
struct ArrowTable {
    /// By room: what it may import.
    var targets: [String: Set<String>] = [:]

    /// Modules of the toolchain that every room may import.
    static let ground: Set<String> = ["Glibc", "Synchronization"]

    /// Reads the rows between the markers `<!-- arrows -->` and `<!-- /arrows -->`: `| room | imports |`.
    init(markdown: String) {
        guard let body = markdown.firstMatch(of: /<!-- arrows -->([\s\S]*?)<!-- \/arrows -->/)?.1 else { return }
        for row in body.split(separator: "\n").dropFirst(2) {
            let cells = row.split(separator: "|", omittingEmptySubsequences: false)
            guard cells.count >= 4, let room = ArrowTable.words(in: cells[1]).first else { continue }
            targets[room] = Set(ArrowTable.words(in: cells[2]))
        }
    }

    /// Reads the dependencies of every room from a package manifest.
    init(manifest: String) {
        for match in manifest.matches(of: /\broom\(\s*"(\w+)"(?:,\s*\[([^\]]*)\])?/) {
            targets[String(match.1)] = ArrowTable.quoted(in: match.2 ?? "")
        }
        for match in manifest.matches(of: /\.executableTarget\(\s*name: "(\w+)",\s*dependencies: \[([^\]]*)\]/) {
            targets[String(match.1)] = ArrowTable.quoted(in: match.2.replacing(/package: "[^"]*"/, with: ""))
        }
    }

    /// What a Swift file imports.
    static func imports(of source: String) -> Set<String> {
        var found: Set<String> = []
        for line in source.split(separator: "\n") {
            var words = line.prefix { $0 != "/" }.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || access.contains(first) { words.removeFirst() }
            guard words.first == "import" else { continue }
            if words.count > 2, kinds.contains(words[1]) { words.remove(at: 1) }
            guard words.count > 1, let module = words[1].split(separator: ".").first else { continue }
            found.insert(String(module))
        }
        return found
    }

    private static let access: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]

    private static func words(in cell: Substring) -> [String] {
        cell.split { !($0.isLetter || $0.isNumber) }.map(String.init)
    }

    private static func quoted(in list: Substring) -> Set<String> {
        Set(list.matches(of: /"(\w+)"/).map { String($0.1) })
    }
}
