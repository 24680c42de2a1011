import Glibc

/// A NULL-terminated array of C strings that lives as long as the object.
final class CStringArray {
    let pointer: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    /// Throws for a string with a zero byte, which C would take for its end.
    init(_ strings: [String?], operation: String) throws {
        guard !strings.contains(where: { $0?.utf8.contains(0) == true }) else {
            throw PostgresError(operation: operation, message: "a value holds a zero byte", sqlState: "22021")
        }
        count = strings.count
        pointer = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = string.map { UnsafePointer(strdup($0)) } }
        pointer[count] = nil
    }

    deinit {
        for index in 0..<count { free(UnsafeMutablePointer(mutating: pointer[index])) }
        pointer.deallocate()
    }
}
