/// Turns libyaml's marks, which count characters, into byte offsets.
struct CharacterOffsets {
    /// Byte offsets of every 256th character; empty for text that is all ASCII.
    private let table: [UInt32]
    private let bytes: [UInt8]
    /// Bytes of a byte order mark, which libyaml's marks don't count.
    let base: Int
    /// The character that was looked up last and its offset: marks mostly go forward by little.
    private var last = (character: 0, offset: 0)

    private static let stride = 256

    /// Looks the text through once.
    init(_ bytes: [UInt8], base: Int) {
        self.bytes = bytes
        self.base = base
        guard bytes[base...].contains(where: { $0 >= 0x80 }) else {
            table = []
            return
        }
        var table: [UInt32] = []
        var count = 0
        for index in base..<bytes.count where bytes[index] & 0xC0 != 0x80 {
            if count % Self.stride == 0 { table.append(UInt32(clamping: index)) }
            count += 1
        }
        self.table = table
    }

    /// The byte offset of a character; the end of the text for one past it.
    mutating func offset(_ character: Int) -> Int {
        guard !table.isEmpty else { return min(base + character, bytes.count) }
        let block = character / Self.stride
        guard block < table.count else { return bytes.count }
        var at = (character: block * Self.stride, offset: Int(table[block]))
        if last.character <= character && last.character > at.character { at = last }
        while at.character < character && at.offset < bytes.count {
            at.offset += 1
            while at.offset < bytes.count && bytes[at.offset] & 0xC0 == 0x80 { at.offset += 1 }
            at.character += 1
        }
        last = at
        return at.offset
    }
}
