import Testing

@Suite("habits that hold for every file of Sources")
struct SourceHabitTests {
    /// A line of a source file, with the one above it.
    struct Line {
        var place: String
        var text: Substring
        var above: Substring

        /// The line without a comment at its end.
        var code: Substring { text.firstRange(of: "//").map { text[..<$0.lowerBound] } ?? text }
    }

    private func lines() throws -> [Line] {
        try Repository.sources.flatMap { path in
            let text = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
            return text.indices.map { index in
                Line(place: "\(path):\(index + 1)", text: text[index], above: index > 0 ? text[index - 1] : "")
            }
        }
    }

    @Test("nothing traps on purpose: no try!, as!, fatalError( or preconditionFailure(")
    func nothingTraps() throws {
        let traps = ["try!", "as!", "fatalError(", "preconditionFailure("]
        for line in try lines() where traps.contains(where: { line.code.contains($0) }) {
            Issue.record("\(line.place): \(line.text)")
        }
    }

    @Test("no file is longer than 400 lines")
    func filesAreShort() throws {
        for path in Repository.sources {
            let count = try Repository.text(path).utf8.count { $0 == UInt8(ascii: "\n") }
            #expect(count <= 400, "\(path)")
        }
    }

    @Test("every unchecked Sendable has its reason beside it")
    func uncheckedSendableSaysWhy() throws {
        for line in try lines() where line.code.contains("@unchecked Sendable") {
            #expect(line.above.contains("//") || line.text.contains("//"), "\(line.place): \(line.text)")
        }
    }

    @Test("no source file puts work off")
    func nothingIsPutOff() throws {
        let words: Set<Substring> = ["TODO", "FIXME", "XXX"]
        for line in try lines() {
            let found = words.intersection(line.text.split { !$0.isLetter })
            #expect(found.isEmpty, "\(line.place): \(line.text)")
        }
    }

    @Test("no path of one machine stands in the repository's text")
    func noMachinePaths() throws {
        let homes = ["home", "root", "work", "Users"].map { "/\($0)/" }
        var paths = Repository.sources + ["Package.swift", "Makefile", "README.md", ".ci/run"]
        for folder in ["docs", "scripts", "bench", "catalogs", "schemas", "Examples"] {
            paths += Repository.files(under: folder)
        }
        for path in paths {
            guard let text = try? Repository.text(path) else { continue }
            for home in homes where text.contains(" \(home)") || text.contains("\"\(home)") || text.contains("=\(home)")
            {
                Issue.record("\(path) holds a path below \(home)")
            }
        }
    }
}
