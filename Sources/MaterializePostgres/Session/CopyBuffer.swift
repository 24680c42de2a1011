import Connectors
import Glibc
import Postgres

/// Builds the text of a COPY in one block and sends it in large pieces (manual, "COPY", "Text Format"). Nothing is
/// allocated for a row or a value.
final class CopyBuffer {
    /// What is sent at once, at least, but for the last piece.
    private static let pieceSize = 1 << 16
    private static let capacity = 2 * pieceSize
    /// The longest run of a value that is escaped without looking at the room left.
    private static let runSize = pieceSize / 4

    private let bytes: UnsafeMutablePointer<UInt8>
    private var count = 0
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
        bytes = .allocate(capacity: CopyBuffer.capacity)
    }

    deinit {
        bytes.deallocate()
    }

    /// Forgets what was not sent.
    func discard() {
        count = 0
    }

    /// Sends what is left.
    func flush() throws {
        guard count > 0 else { return }
        let length = count
        count = 0
        try connection.putCopyData(UnsafeRawBufferPointer(start: bytes, count: length))
    }

    @inline(__always) private func reserve(_ extra: Int) throws {
        if count + extra > CopyBuffer.capacity { try flush() }
    }

    // MARK: - Pieces of a row

    @inline(__always) func byte(_ byte: UInt8) throws {
        try reserve(1)
        bytes[count] = byte
        count += 1
    }

    @inline(__always) func separator() throws {
        try byte(UInt8(ascii: "\t"))
    }

    /// Ends a row, and sends what there is once it is much.
    @inline(__always) func endRow() throws {
        try byte(UInt8(ascii: "\n"))
        try endPiece()
    }

    /// Sends what there is once it is much.
    @inline(__always) func endPiece() throws {
        if count >= CopyBuffer.pieceSize { try flush() }
    }

    @inline(__always) func null() throws {
        try reserve(2)
        bytes[count] = UInt8(ascii: "\\")
        bytes[count + 1] = UInt8(ascii: "N")
        count += 2
    }

    /// Bytes as they are: no value, or one that COPY escaped.
    func raw(_ source: UnsafeRawBufferPointer) throws {
        guard let start = source.baseAddress else { return }
        var offset = 0
        while offset < source.count {
            let length = min(source.count - offset, CopyBuffer.pieceSize)
            try reserve(length)
            memcpy(bytes + count, start + offset, length)
            count += length
            offset += length
        }
    }

    func raw(_ text: String) throws {
        var text = text
        try text.withUTF8 { try raw(UnsafeRawBufferPointer($0)) }
    }

    func number(_ value: Int64) throws {
        try reserve(20)
        var magnitude = value.magnitude
        var digits = 1
        var limit: UInt64 = 10
        while digits < 19, magnitude >= limit {
            digits += 1
            limit *= 10
        }
        if value < 0 {
            bytes[count] = UInt8(ascii: "-")
            count += 1
        }
        var place = count + digits
        count = place
        repeat {
            place -= 1
            bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
            magnitude /= 10
        } while magnitude > 0
    }

    /// A position as pg_lsn reads it.
    func position(_ position: LogPosition) throws {
        try hex(UInt32(truncatingIfNeeded: position.rawValue >> 32))
        try byte(UInt8(ascii: "/"))
        try hex(UInt32(truncatingIfNeeded: position.rawValue))
    }

    private func hex(_ value: UInt32) throws {
        try reserve(8)
        var shift: UInt32 = 28
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while true {
            let digit = UInt8(truncatingIfNeeded: (value >> shift) & 15)
            bytes[count] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
            count += 1
            if shift == 0 { return }
            shift -= 4
        }
    }

    /// A value: backslash, tab, newline and carriage return are escaped, every other byte stays.
    @inline(__always) func value(_ start: UnsafePointer<UInt8>, count length: Int) throws {
        if length <= CopyBuffer.runSize {
            try reserve(2 * length)
            escape(start, length)
        } else {
            try long(start, length)
        }
    }

    @inline(never) private func long(_ start: UnsafePointer<UInt8>, _ length: Int) throws {
        var offset = 0
        while offset < length {
            let run = min(length - offset, CopyBuffer.runSize)
            try reserve(2 * run)
            escape(start + offset, run)
            offset += run
        }
    }

    @inline(__always) private func escape(_ start: UnsafePointer<UInt8>, _ length: Int) {
        let source = UnsafeRawPointer(start)
        let target = UnsafeMutableRawPointer(bytes)
        var index = 0
        var end = count
        // Eight bytes at a time while none of them is a backslash or below 16: what is escaped is among those.
        while index + 8 <= length {
            let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if CopyBuffer.mayNeedEscape(word) {
                for place in index..<index + 8 { end = escapeByte(start[place], at: end) }
            } else {
                target.storeBytes(of: word, toByteOffset: end, as: UInt64.self)
                end += 8
            }
            index += 8
        }
        while index < length {
            end = escapeByte(start[index], at: end)
            index += 1
        }
        count = end
    }

    /// Whether a byte of the word is a backslash or below 16.
    @inline(__always) private static func mayNeedEscape(_ word: UInt64) -> Bool {
        let high: UInt64 = 0x8080_8080_8080_8080
        let ones: UInt64 = 0x0101_0101_0101_0101
        let backslashes = word ^ (ones &* 0x5C)
        let isBackslash = (backslashes &- ones) & ~backslashes & high
        let isControl = (word &- (ones &* 0x10)) & ~word & high
        return (isBackslash | isControl) != 0
    }

    @inline(__always) private func escapeByte(_ byte: UInt8, at end: Int) -> Int {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\\"): letter = UInt8(ascii: "\\")
        case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
        case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
        case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
        default:
            bytes[end] = byte
            return end + 1
        }
        bytes[end] = UInt8(ascii: "\\")
        bytes[end + 1] = letter
        return end + 2
    }
}
