/// Finds what is not UTF-8 (RFC 3629) in bytes.
public enum UTF8Check {
    /// The offset of the first byte that no UTF-8 text could have there; nil where all is well.
    public static func firstFault(in bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBufferPointer { buffer in
            var at = 0
            while at < buffer.count {
                if buffer[at] < 0x80 {
                    at += 1
                    continue
                }
                guard let length = sequenceLength(buffer, at) else { return at }
                at += length
            }
            return nil
        }
    }

    /// The length of the well-formed sequence at an offset (Unicode table 3-7); nil where it is ill-formed.
    private static func sequenceLength(_ buffer: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int? {
        func follows(_ distance: Int, _ range: ClosedRange<UInt8>) -> Bool {
            at + distance < buffer.count && range.contains(buffer[at + distance])
        }
        let any: ClosedRange<UInt8> = 0x80...0xBF
        switch buffer[at] {
        case 0xC2...0xDF: return follows(1, any) ? 2 : nil
        case 0xE0: return follows(1, 0xA0...0xBF) && follows(2, any) ? 3 : nil
        case 0xED: return follows(1, 0x80...0x9F) && follows(2, any) ? 3 : nil
        case 0xE1...0xEF: return follows(1, any) && follows(2, any) ? 3 : nil
        case 0xF0: return follows(1, 0x90...0xBF) && follows(2, any) && follows(3, any) ? 4 : nil
        case 0xF1...0xF3: return follows(1, any) && follows(2, any) && follows(3, any) ? 4 : nil
        case 0xF4: return follows(1, 0x80...0x8F) && follows(2, any) && follows(3, any) ? 4 : nil
        default: return nil
        }
    }
}
