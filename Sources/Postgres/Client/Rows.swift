import CLibPQ

/// The rows of a result, as text. Row and column count from 0.
public final class Rows {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) {
        self.result = result
    }

    deinit {
        PQclear(result)
    }

    public var count: Int { Int(PQntuples(result)) }
    public var columns: Int { Int(PQnfields(result)) }

    /// Rows that the statement changed.
    public var affected: Int { Rows.affected(result) }

    /// The number at the end of a command tag, read without making a string.
    static func affected(_ result: OpaquePointer) -> Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        var number = 0
        var index = 0
        while text[index] >= 0x30, text[index] <= 0x39 {
            number = number &* 10 &+ Int(text[index] - 0x30)
            index += 1
        }
        return number
    }

    /// Nil for SQL NULL, and for a row or column that is not there.
    public subscript(row: Int, column: Int) -> String? {
        guard row < count, column < columns, PQgetisnull(result, Int32(row), Int32(column)) == 0,
            let value = PQgetvalue(result, Int32(row), Int32(column))
        else { return nil }
        let length = Int(PQgetlength(result, Int32(row), Int32(column)))
        return String(decoding: UnsafeRawBufferPointer(start: value, count: length), as: UTF8.self)
    }

    /// The bytes of a value, valid as long as the rows live; nil for SQL NULL.
    public func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        guard row < count, column < columns, PQgetisnull(result, Int32(row), Int32(column)) == 0,
            let value = PQgetvalue(result, Int32(row), Int32(column))
        else { return nil }
        return UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(result, Int32(row), Int32(column))))
    }
}
