import Connectors

/// What rows of a pool have in some of their columns, to find equal ones by. Values are the same where the log writes them so.
struct RowContent {
    let pool: RowPool
    let columns: [Int]

    func isSame(_ left: RowReference, _ right: RowReference) -> Bool {
        let leftFields = pool.fields(of: left)
        let rightFields = pool.fields(of: right)
        let leftBytes = pool.bytes(of: left)
        let rightBytes = pool.bytes(of: right)
        for column in columns {
            let one = leftFields[column]
            let other = rightFields[column]
            guard one.length == other.length else { return false }
            if one.length > 0,
                !isEqual(leftBytes + Int(one.offset), rightBytes + Int(other.offset), count: Int(one.length))
            {
                return false
            }
        }
        return true
    }

    private func isEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int) -> Bool {
        for index in 0..<count where left[index] != right[index] { return false }
        return true
    }

    func hash(of row: RowReference) -> UInt64 {
        let fields = pool.fields(of: row)
        let bytes = pool.bytes(of: row)
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for column in columns {
            let field = fields[column]
            hash = mix(hash ^ UInt64(bitPattern: Int64(field.length)))
            guard field.length > 0 else { continue }
            let start = UnsafeRawPointer(bytes + Int(field.offset))
            var offset = 0
            let count = Int(field.length)
            while offset + 8 <= count {
                hash = mix(hash ^ start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            var tail: UInt64 = 0
            while offset < count {
                tail = tail << 8 | UInt64(start.load(fromByteOffset: offset, as: UInt8.self))
                offset += 1
            }
            hash = mix(hash ^ tail)
        }
        return hash
    }

    private func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}
