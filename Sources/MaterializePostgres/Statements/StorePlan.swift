import Connectors
import Postgres

/// How rows of one shape go into a destination table as it is laid out now. Immutable; made once for each pair.
final class StorePlan {
    struct Column {
        /// The row's field.
        var source: Int
        var destination: DestinationColumn
        var isKey: Bool
        /// Whether the field may be absent because an update left it out.
        var isToastable: Bool

        var name: Identifier { Identifier(destination.name) }

        /// Whether an update writes the column: not where equal keys are the same text anyway.
        var isAssigned: Bool { !destination.isAlwaysIdentity && (!isKey || destination.hasLooseEquality) }
    }

    /// Bits in one column of the staging table's mask: a bigint's, but for its sign.
    static let bitsPerWord = 62

    let shape: TableShape
    let binding: LinkBinding
    let target: QualifiedName
    /// In the order of the shape.
    let columns: [Column]
    /// Columns that only the destination has, and that take values: those of a row whose key moves go with it.
    let own: [DestinationColumn]
    /// The collection's key, as places in `columns`.
    let key: [Int]
    /// Places in `columns` whose field may be absent; their order gives each its bit in a mask.
    let toastable: [Int]
    /// For the path of a row: fields of `columns`, fields of `key`, and by place in `columns` the bit or -1.
    let sources: ContiguousArray<Int>
    let keySources: ContiguousArray<Int>
    let bits: ContiguousArray<Int>
    /// Which layout of the table the plan is for (see `BoundTable`).
    let generation: Int
    /// The plan's number in its session.
    let serial: Int

    /// `destinationName` finds the destination's column for one of the shape's; nil where it has none. `isTaken`: of a column that the
    /// binding doesn't take by its name.
    init(
        shape: TableShape, binding: LinkBinding, table: DestinationTable, generation: Int, serial: Int,
        isTaken: (ColumnShape) -> Bool, destinationName: (ColumnShape) -> String?
    ) throws {
        self.shape = shape
        self.binding = binding
        self.generation = generation
        self.serial = serial
        target = QualifiedName(binding.schema, binding.name)
        var columns: [Column] = []
        for (index, column) in shape.stored(by: binding).columns.enumerated()
        where column.isStored || isTaken(column) {
            guard let name = destinationName(column), let destination = table.column(name) else {
                throw RunError(
                    .internal, operation: "prepare", object: "table \(binding.schema).\(binding.name)",
                    message: "the destination table has no column for the source's \"\(column.name)\"",
                    binding: binding.index)
            }
            let isKey = binding.mode == .upsert && binding.key.containsName(name)
            columns.append(
                Column(
                    source: index, destination: destination, isKey: isKey,
                    isToastable: column.isToastable && !isKey))
        }
        self.columns = columns
        let known = columns.map(\.destination.name) + binding.metadataColumns.map(\.name)
        own = table.columns.filter { !$0.isGenerated && !known.containsName($0.name) }
        key =
            binding.mode == .upsert
            ? binding.key.compactMap { name in
                columns.firstIndex { $0.destination.name.isSameName(as: name) }
            } : []
        toastable = columns.indices.filter { columns[$0].isToastable }
        sources = ContiguousArray(columns.map(\.source))
        keySources = ContiguousArray(key.map { columns[$0].source })
        var bits = ContiguousArray(repeating: -1, count: columns.count)
        for (bit, place) in toastable.enumerated() { bits[place] = bit }
        self.bits = bits
    }

    /// Whether keys that the log tells apart can be one key to the destination (`1.0` and `1.00`).
    var hasLooseKey: Bool { key.contains { columns[$0].destination.hasLooseEquality } }

    /// Columns of the staging table that hold a mask of absent fields.
    var maskWords: Int { (toastable.count + StorePlan.bitsPerWord - 1) / StorePlan.bitsPerWord }

    /// Whether one of the columns that can be absent is.
    func lacksColumns(_ fields: UnsafePointer<FieldSlice>) -> Bool {
        for place in toastable where fields[sources[place]].isUnchanged { return true }
        return false
    }

    /// The bits of a row's absent columns, for a plan with at most 64 that can be.
    func mask(of fields: UnsafePointer<FieldSlice>) -> UInt64 {
        var mask: UInt64 = 0
        for (bit, place) in toastable.enumerated() where fields[sources[place]].isUnchanged {
            mask |= 1 << UInt64(bit)
        }
        return mask
    }

    /// One word of a row's mask in the staging table.
    func maskWord(_ word: Int, of fields: UnsafePointer<FieldSlice>) -> Int64 {
        let first = word * StorePlan.bitsPerWord
        var mask: Int64 = 0
        for bit in first..<min(first + StorePlan.bitsPerWord, toastable.count)
        where fields[sources[toastable[bit]]].isUnchanged {
            mask |= 1 << Int64(bit - first)
        }
        return mask
    }

    /// Whether a COPY of the source's rows can be passed on in binary form.
    var isBinarySafe: Bool {
        columns.count == shape.columns.count && binding.mode == .upsert
            && columns.allSatisfy { column in
                let source = shape.columns[column.source]
                return source.isBinarySafe && source.typeOID == column.destination.typeOID
                    && source.typeModifier == column.destination.typeModifier
            }
    }

    var columnList: String { columns.map(\.name.quoted).joined(separator: ", ") }

    /// `table schema.name`, for messages.
    var title: String { "table \(binding.schema).\(binding.name)" }
}
