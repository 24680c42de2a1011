import Diagnostics

/// Looks for further syntax faults behind one: reading begins anew at the next line that starts with a key of the outermost
/// mapping, with everything before it blank, so that each section's faults are told in one run.
struct SyntaxRecovery {
    private let bytes: [UInt8]
    private var offsets: CharacterOffsets

    /// The most times that reading begins anew.
    private static let limit = 20

    /// For one text.
    init(_ file: SourceFile, _ offsets: CharacterOffsets) {
        bytes = file.bytes
        self.offsets = offsets
    }

    /// The faults behind one, each the first of what was read from a key on.
    mutating func failures(after first: EventReader.Failure) -> [EventReader.Failure] {
        var found: [EventReader.Failure] = []
        var last = first
        var from = 0
        for _ in 0..<Self.limit {
            guard let mark = last.problemMark, let start = nextKey(after: max(from + 1, place(of: last, mark))) else {
                break
            }
            from = start
            guard let next = EventReader.read(blank(before: start)[...], { _ in true }) else { break }
            found.append(next)
            last = next
        }
        return found
    }

    /// Where the broken text is: one whose quote is never closed broke where the quote stands, not at the end of all.
    private mutating func place(of failure: EventReader.Failure, _ mark: Int) -> Int {
        let at = offsets.offset(mark)
        return at >= bytes.count && !failure.context.isEmpty ? offsets.offset(failure.contextMark) : at
    }

    /// The next line that begins with a plain name and a colon.
    private func nextKey(after offset: Int) -> Int? {
        var at = offset
        while at < bytes.count {
            let isLineStart = at == 0 || bytes[at - 1] == 0x0A || bytes[at - 1] == 0x0D
            if isLineStart, isKey(at) { return at }
            at += 1
        }
        return nil
    }

    private func isKey(_ start: Int) -> Bool {
        let name = bytes[start...].prefix { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "$_-".utf8.contains(byte)
        }
        let rest = bytes[(start + name.count)...]
        guard name.first.map({ $0 != UInt8(ascii: "-") }) ?? false, rest.first == UInt8(ascii: ":") else {
            return false
        }
        return rest.dropFirst().first.map { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D } ?? true
    }

    /// The text with a space for each character before a place, so that marks stay what they are; line breaks stay.
    private func blank(before start: Int) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes[offsets.base..<start] where byte & 0xC0 != 0x80 {
            text.append(byte == 0x0A || byte == 0x0D ? byte : 0x20)
        }
        return text + bytes[start...]
    }
}
