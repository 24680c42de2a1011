import Foundation
import Testing

@Suite("files that are large, deep, or no text at all", .enabled(if: Program.executable != nil))
struct HostileFileTests {
    /// A file made of repeated pieces.
    struct Bomb: Sendable, CustomTestStringConvertible {
        let name: String
        let piece: [UInt8]
        let count: Int
        let expected: String

        init(_ name: String, _ piece: String, times count: Int, _ expected: String) {
            self.init(name, Array(piece.utf8), times: count, expected)
        }

        init(_ name: String, _ piece: [UInt8], times count: Int, _ expected: String) {
            (self.name, self.piece, self.count, self.expected) = (name, piece, count, expected)
        }

        var testDescription: String { "\(name) of \(piece.count * count) bytes" }
    }

    /// Ten times ten uses of aliases over twelve levels: 10¹² nodes in half a kilobyte.
    private static let laughs =
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + (1..<12).map { level in
            let uses = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            return "a\(level): &a\(level) [\(uses)]\n"
        }.joined()

    @Test(
        "end soon with a plain error and within a gigabyte of address space, of which an empty run takes a part",
        arguments: [
            Bomb("zeros.yaml", [0], times: 100_000_000, "FC0201]: can't read 'zeros.yaml': it is larger than 64 MiB"),
            Bomb("lines.json", "1,\n", times: 33_400_000, "FC0201]: can't read 'lines.json': it is larger than 64 MiB"),
            Bomb("laughs.yaml", laughs, times: 1, "FC0109]: the document has more than 10000000 nodes"),
            Bomb("deep.yaml", "[", times: 3_000_000, "FC0110]: lists and mappings are nested more than 256 levels"),
            Bomb("deep.json", "[", times: 3_000_000, "FC0110]: nested more than 256 levels deep"),
            Bomb("keys.yaml", "? ", times: 200_000, "FC0110]: lists and mappings are nested more than 256 levels"),
            Bomb("latin1.yaml", [0x61, 0x3A, 0x20, 0xE9, 0x0A], times: 1_000_000, "FC0101]: the file is not UTF-8"),
            Bomb("latin1.json", [0x22, 0xE9, 0x22], times: 2_000_000, "FC0101]: the text is not UTF-8"),
        ])
    func bombs(bomb: Bomb) throws {
        let program = try Program()
        defer { program.remove() }
        let file = program.folder.appending(path: bomb.name)
        try write(bomb, to: file)
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try program.shell("ulimit -v 1048576; exec \"$0\" validate \(bomb.name)")
        #expect(outcome.status == 65 && outcome.text.contains(bomb.expected), "\(outcome)")
        #expect(outcome.text.utf8.count < 10_000)
        // Some tenths of a second in a release build.
        #expect(clock.now - start < .seconds(120))
    }

    @Test("an endless standard input is given up, not kept")
    func endless() throws {
        let program = try Program()
        defer { program.remove() }
        let outcome = try program.shell(
            "ulimit -v 1048576; yes 'a: b' 2>&- | \"$0\" validate -; exit ${PIPESTATUS[1]}")
        #expect(outcome.status == 65 && outcome.text.contains("larger than 64 MiB"), "\(outcome)")
        let zeros = try program.shell("ulimit -v 1048576; \"$0\" fmt /dev/zero - </dev/zero")
        #expect(zeros.status == 65, "\(zeros)")
        for name in ["/dev/zero", "<stdin>"] {
            #expect(zeros.text.contains("can't read '\(name)': it is larger than 64 MiB"), "\(zeros)")
        }
    }

    @Test("a named pipe that nobody writes to is refused at once, pipes that the shell passes on are read")
    func namedPipe() throws {
        let program = try Program()
        defer { program.remove() }
        let named = try program.shell("mkfifo p.yaml; ln -s p.yaml l.yaml; timeout 60 \"$0\" validate p.yaml l.yaml")
        #expect(named.status == 65, "\(named)")
        #expect(named.text.contains("can't read 'p.yaml': it is a named pipe"), "\(named)")
        #expect(named.text.contains("can't read 'l.yaml': it is a named pipe"), "\(named)")
        let formatted = try program.shell("timeout 60 \"$0\" fmt p.yaml")
        #expect(formatted.status == 65 && formatted.text.contains("can't read 'p.yaml': it is a named pipe"))
        let passed = try program.shell(
            "\"$0\" validate <(echo 'collections: {}') && echo 'collections: {}' | \"$0\" validate /dev/stdin")
        #expect(passed.status == 0, "\(passed)")
    }

    /// Pieces of a megabyte at most, so that the test itself stays small; zeros are a hole in the file.
    private func write(_ bomb: Bomb, to file: URL) throws {
        try Data().write(to: file)
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        if bomb.piece == [0] { return try handle.truncate(atOffset: UInt64(bomb.count)) }
        let many = max(1, min(bomb.count, 1 << 20 / bomb.piece.count))
        let block = Data(Array(repeating: bomb.piece, count: many).joined())
        for _ in 0..<(bomb.count / many) { try handle.write(contentsOf: block) }
    }
}
