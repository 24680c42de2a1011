import Connectors
import Postgres

/// The order in which a table is read: the columns of its replica identity's index, by the server's own comparison; of a
/// table without a key one of its columns (`ColumnOrder`), which several rows can have the same of. All rows of one value are in
/// one chunk then, and NULL is in the last.
///
/// Where the text of a type sorts as the server sorts its values, rows of the log are compared here; for all else
/// (collations, enums, numerics, dates before Christ, …) the server is asked, a batch at a time.
struct KeyOrder: Sendable {
    enum Comparison: Sendable {
        case integer
        /// Byte by byte: uuid, bytea, text under collation C, bool.
        case bytes
        case server
    }

    struct Column: Sendable {
        var index: Int
        var name: String
        /// As DDL names it.
        var type: String
        /// Quoted and qualified, where a comparison must name it.
        var collation: String?
        var comparison: Comparison
        var operators = KeyOperators.builtIn
        /// What else says how its values sort: its collation's OID, then the labels of the enums in it in their order, each with its
        /// own OID.
        var sorting: [String] = []
    }

    private(set) var columns: [Column]
    /// Whether several rows can have the same place (`ColumnOrder`).
    var isByColumn = false
    /// Each chunk of a table without an index for the order is a scan of all of it: it has this many rows at least.
    var leastRows = 0
    /// Whether an index serves the order.
    var isIndexed = true

    init(columns: [Column]) {
        self.columns = columns
    }

    /// The same order of rows of another shape. A column that the shape lacks stays where it was.
    func placed(in shape: TableShape) -> KeyOrder {
        var order = self
        for index in columns.indices {
            if let place = shape.index(of: columns[index].name) { order.columns[index].index = place }
        }
        return order
    }

    /// A column that is compared here as whole numbers, and can have others in a shape; nil where there is none.
    func outgrown(by shape: TableShape) -> String? {
        columns.first { column in
            guard column.comparison == .integer, let place = shape.index(of: column.name) else { return false }
            return shape.columns[place].type.hasPrefix("numeric")
        }?.name
    }

    var names: [String] { columns.map(\.name) }

    /// By column: `Column.sorting`.
    var sorting: [[String]] { columns.map(\.sorting) }

    /// Whether the values of then still are at their places: a bound that was found then means the same now. Enums may have got
    /// labels in between.
    func keepsPlaces(of then: [[String]]) -> Bool {
        then.count == columns.count
            && zip(then, columns).allSatisfy { then, column in
                guard then.first == column.sorting.first else { return false }
                var now = column.sorting.dropFirst()[...]
                return then.dropFirst().allSatisfy { label in
                    guard let place = now.firstIndex(of: label) else { return false }
                    now = now[(place + 1)...]
                    return true
                }
            }
    }

    /// A table can't be read on from its last bound: `keepsPlaces` says no.
    static func moved(_ table: TableSource, began names: [String]) -> RunError {
        RunError(
            .transient, operation: "go on reading", object: "table \(table.name)",
            message:
                "its key (\(names.joined(separator: ", "))) sorts otherwise than when the reading began, by another collation "
                + "or other labels of an enum: where it goes on can't be told",
            binding: table.binding)
    }

    /// What the values are, by column: places that were noted in the order of other types are no places of this one.
    var types: [String] { columns.map { KeyOrder.orderedType($0.type) } }

    /// The same for types whose values have one text and one order.
    static func orderedType(_ type: String) -> String { ["smallint", "integer"].contains(type) ? "bigint" : type }

    /// Without columns every row is in every range: the table is read in one piece.
    var isKeyless: Bool { columns.isEmpty }
    var needsServer: Bool { columns.contains { $0.comparison == .server } }

    /// Whether the row's key is at most the bound. Columns must all compare here. NULL is beyond every bound.
    @inline(__always)
    func isAtMost(
        _ bound: KeyBound, fields: UnsafePointer<FieldSlice>, bytes: UnsafePointer<UInt8>
    ) -> Bool {
        for (position, column) in columns.enumerated() {
            let field = fields[column.index]
            if field.isNull { return false }
            let order: Int
            switch column.comparison {
            case .integer:
                let value = KeyOrder.integer(bytes + Int(field.offset), count: Int(max(field.length, 0)))
                let limit = bound.integers[position]
                order = value < limit ? -1 : value > limit ? 1 : 0
            case .bytes, .server:
                order = KeyOrder.compare(
                    bytes + Int(field.offset), count: Int(max(field.length, 0)), with: bound.bytes[position])
            }
            if order != 0 { return order < 0 }
        }
        return true
    }

    /// A decimal integer as Postgres prints it; zero for anything else.
    static func integer(_ start: UnsafePointer<UInt8>, count: Int) -> Int64 {
        guard count > 0 else { return 0 }
        let isNegative = start[0] == UInt8(ascii: "-")
        var magnitude: UInt64 = 0
        for index in (isNegative ? 1 : 0)..<count {
            magnitude = magnitude &* 10 &+ UInt64(start[index] &- UInt8(ascii: "0"))
        }
        return isNegative ? Int64(bitPattern: 0 &- magnitude) : Int64(bitPattern: magnitude)
    }

    private static func compare(_ start: UnsafePointer<UInt8>, count: Int, with other: ContiguousArray<UInt8>) -> Int {
        let shared = min(count, other.count)
        for index in 0..<shared where start[index] != other[index] { return start[index] < other[index] ? -1 : 1 }
        return count - other.count
    }
}

/// A place in a table's order: the key of a row, as text by key column.
struct KeyBound: Sendable, Equatable {
    let values: [String]
    let bytes: [ContiguousArray<UInt8>]
    let integers: [Int64]

    init(_ values: [String]) {
        self.values = values
        bytes = values.map { ContiguousArray($0.utf8) }
        integers = values.map { Int64($0) ?? 0 }
    }

    /// The same bytes: `é` and `e` with an accent are two keys.
    static func == (left: KeyBound, right: KeyBound) -> Bool { left.bytes == right.bytes }
}
