import Connectors
import Postgres

/// How a destination table gets from the shape it was prepared for to another one. Pure: decides, runs nothing.
struct EvolutionPlan: Equatable {
    enum Step: Equatable {
        case rename(column: String, to: String)
        case addColumn(ColumnShape, isNotNull: Bool)
        case addGenerated(GeneratedColumn)
        case dropNotNull(column: String)
        case alterType(column: String, type: String)
    }

    /// Why there is no plan: for a `RunError` that needs an operator.
    struct Conflict: Error, Equatable {
        var message: String
        var remedy: Remedy
    }

    /// What gets past a conflict.
    enum Remedy: Equatable {
        case hint(String)
        /// The table is read again, without columns that the destination keeps.
        case readAgain(dropping: [String])

        /// For whoever has not filled the table yet.
        var text: String {
            switch self {
            case .hint(let hint): hint
            case .readAgain(let columns) where columns.isEmpty: "make the table anew"
            case .readAgain(let columns):
                "drop or rename at the destination: " + columns.map { "\"\($0)\"" }.joined(separator: ", ")
            }
        }
    }

    /// In the order they must run.
    var steps: [Step] = []
    /// Columns that the source no longer has and the destination keeps, with their attribute numbers there.
    var retired: [Identifier: Int]

    /// Columns that take nulls from then on, as they are named before.
    var freed: [String] {
        steps.compactMap { step in
            guard case .dropNotNull(let column) = step else { return nil }
            return steps.lazy.compactMap { if case .rename(let old, column) = $0 { old } else { nil } }.first ?? column
        }
    }

    /// What the destination is and what it was prepared for.
    struct Start {
        var shape: TableShape
        var retired: [Identifier: Int]
        /// The highest number of a column that the source is known to have had.
        var highest: Int
        var table: DestinationTable
    }

    private let start: Start
    private let binding: LinkBinding
    private let keepsNull: Bool
    private var renames: [(from: String, to: String)] = []

    static func == (left: EvolutionPlan, right: EvolutionPlan) -> Bool {
        left.steps == right.steps && left.retired == right.retired
    }

    /// Plans the way from `start` to `shape`. A column is the same one if its attribute number is; where one of the two
    /// has none, if its name is.
    init(from start: Start, to shape: TableShape, binding: LinkBinding) throws(Conflict) {
        self.start = start
        self.binding = binding
        retired = start.retired
        keepsNull = binding.mode == .insert
        try checkKey(shape)
        let wanted = shape.storedColumns
        let had = start.shape.storedColumns
        var kept: Set<Identifier> = []
        var changes: [Step] = []
        var added: [ColumnShape] = []
        var conflicts: [Conflict] = []
        for column in wanted {
            if let old = had.first(where: { EvolutionPlan.isSame($0, column) }) {
                kept.insert(Identifier(old.name))
                do { changes += try follow(column, from: old) } catch { conflicts.append(error) }
            } else {
                added.append(column)
            }
        }
        for column in added {
            do { changes += try add(column, reusing: had) } catch { conflicts.append(error) }
        }
        if let conflict = EvolutionPlan.sum(conflicts) { throw conflict }
        for column in wanted { retired[Identifier(column.name)] = nil }
        for column in had where !kept.contains(Identifier(column.name)) {
            changes += retire(column, isGone: !shape.columns.contains { EvolutionPlan.isSame(column, $0) })
        }
        for column in shape.generated { changes += try compute(column) }
        steps = try orderedRenames(leaving: wanted) + changes
    }

    /// The first of some conflicts, with every column that has to go before the table is read again.
    private static func sum(_ conflicts: [Conflict]) -> Conflict? {
        guard
            var first = conflicts.first(where: { if case .hint = $0.remedy { true } else { false } }) ?? conflicts.first
        else { return nil }
        guard case .readAgain = first.remedy else { return first }
        let columns = conflicts.flatMap { conflict -> [String] in
            if case .readAgain(let columns) = conflict.remedy { columns } else { [] }
        }
        first.remedy = .readAgain(dropping: columns)
        return first
    }

    private static func isSame(_ old: ColumnShape, _ new: ColumnShape) -> Bool {
        guard let left = old.attribute, let right = new.attribute else { return old.name.isSameName(as: new.name) }
        return left == right
    }

    private func checkKey(_ shape: TableShape) throws(Conflict) {
        guard binding.mode == .upsert else { return }
        for name in binding.key {
            guard let column = shape.storedColumns.first(where: { $0.name.isSameName(as: name) }) else {
                throw Conflict(
                    message: "the source table no longer has the key's column \"\(name)\"",
                    remedy: .hint(
                        "name columns of the table in the collection's key; or, where it is there again as it was, have the table "
                            + "read again"))
            }
            let old = start.shape.storedColumns.first { $0.name.isSameName(as: name) }
            if old?.isIdentity == true, !column.isIdentity {
                throw Conflict(
                    message: "the source table's replica identity no longer has the key's column \"\(name)\"",
                    remedy: .hint(
                        "name the table's new key in the collection; or, where the identity is again as it was, have the table read "
                            + "again"))
            }
        }
    }

    // MARK: - One column each

    private mutating func follow(_ column: ColumnShape, from old: ColumnShape) throws(Conflict) -> [Step] {
        var steps: [Step] = []
        guard let there = try destination(of: column, from: old) else { return [] }
        if column.isDeclared || old.isDeclared {
            guard column.isDeclared == old.isDeclared, column.type == old.type else {
                throw Conflict(
                    message:
                        "the catalog gave the column \"\(column.name)\" the type \(old.type), and now \(column.type)",
                    remedy: .readAgain(dropping: [there.name]))
            }
        } else if there.type != column.type, !isAccepted(column, by: there, since: old) {
            guard TypeCompatibility.isWidening(from: there.type, to: column.type) else {
                throw retyped(column, there)
            }
            steps.append(.alterType(column: column.name, type: column.type))
        }
        if there.isNotNull, !column.isNotNull, !isKey(column.name) { steps.append(.dropNotNull(column: column.name)) }
        return steps
    }

    /// The destination's column, marked for renaming where its name is an older one.
    private mutating func destination(
        of column: ColumnShape, from old: ColumnShape
    ) throws(Conflict) -> DestinationColumn? {
        if let there = start.table.column(old.name) {
            if !old.name.isSameName(as: column.name) { renames.append((old.name, column.name)) }
            return there
        }
        if let there = start.table.column(column.name) { return there }
        throw Conflict(
            message: "the destination table no longer has the column \"\(old.name)\"",
            remedy: .readAgain(dropping: []))
    }

    /// Whether the destination's column may stay as it is: it takes the values, and the source's type is the one that was
    /// recorded or a wider form of it.
    private func isAccepted(_ column: ColumnShape, by there: DestinationColumn, since old: ColumnShape) -> Bool {
        guard TypeCompatibility.column(there.type, accepts: column.type) else { return false }
        return old.type == column.type || TypeCompatibility.isWidening(from: old.type, to: column.type)
    }

    /// Of a table that was never filled from the source nothing goes: its rows are its owner's. Nor of one whose rows could not
    /// be read again.
    private func retyped(_ column: ColumnShape, _ there: DestinationColumn) -> Conflict {
        let name = Identifier(there.name)
        let table = QualifiedName(binding.schema, binding.name)
        let retype = "ALTER TABLE \(table) ALTER COLUMN \(name) TYPE \(column.type) USING \(name)::\(column.type)"
        if start.shape.columns.isEmpty {
            return Conflict(
                message:
                    "the source's column \"\(column.name)\" is \(column.type), the destination's is \(there.type), which does not "
                    + "keep every value of it as it is",
                remedy: .hint(
                    "give the column the source's type: \(retype); or leave the field out (fields.exclude), or name another table"
                ))
        }
        if binding.skipsBackfill || binding.isShared {
            return Conflict(
                message:
                    "the source's column \"\(column.name)\" is now \(column.type), the destination's is \(there.type), "
                    + "and that is no wider form of the same type",
                remedy: .hint("give the column the source's type: \(retype)"))
        }
        return Conflict(
            message:
                "the source's column \"\(column.name)\" is now \(column.type), the destination's is \(there.type), "
                + "and that is no wider form of the same type",
            remedy: .readAgain(dropping: [there.name]))
    }

    private mutating func add(_ column: ColumnShape, reusing had: [ColumnShape]) throws(Conflict) -> [Step] {
        let before = had.first { $0.name.isSameName(as: column.name) }?.attribute ?? retired[Identifier(column.name)]
        if let number = column.attribute, number <= start.highest, retired[Identifier(column.name)] != number,
            before == nil
        {
            throw Conflict(
                message:
                    "the source had the column \"\(column.name)\" before, generated there or left out here: the log "
                    + "never had the values of its old rows", remedy: .readAgain(dropping: []))
        }
        guard let there = start.table.column(column.name) else {
            return [.addColumn(column, isNotNull: !keepsNull && column.isNotNull && column.missingValue != nil)]
        }
        if renames.contains(where: { $0.from.isSameName(as: column.name) }) {
            // Its column there belongs to another one that goes by a new name.
            return [.addColumn(column, isNotNull: false)]
        }
        if let before, let now = column.attribute, before != now {
            throw Conflict(
                message: "the source dropped the column \"\(column.name)\" and added another one of the same name; the "
                    + "destination still holds the old one's values",
                remedy: .readAgain(dropping: [column.name]))
        }
        var steps: [Step] = []
        if !column.isDeclared, !TypeCompatibility.column(there.type, accepts: column.type) {
            guard TypeCompatibility.isWidening(from: there.type, to: column.type) else {
                throw retyped(column, there)
            }
            steps.append(.alterType(column: column.name, type: column.type))
        }
        if there.isNotNull, !column.isNotNull, !isKey(column.name) { steps.append(.dropNotNull(column: column.name)) }
        return steps
    }

    /// A column that the destination computes. One of its name that is there already is somebody's own, or as it was made.
    private mutating func compute(_ column: GeneratedColumn) throws(Conflict) -> [Step] {
        let old = start.shape.generated.first { $0.attribute == column.attribute }
        if let old, old.name != column.name, start.table.column(old.name)?.isGenerated == true {
            renames.append((old.name, column.name))
            return []
        }
        guard start.table.column(column.name) != nil else { return [.addGenerated(column)] }
        if let old, old.expression != column.expression, old.columns == column.columns {
            throw Conflict(
                message: "the source computes the column \"\(column.name)\" in another way now",
                remedy: .hint("drop the destination's column \"\(column.name)\"; it is then added anew"))
        }
        return []
    }

    /// One that is not gone at the source is left out by the catalog: its values grow old, and are of no use later.
    private mutating func retire(_ column: ColumnShape, isGone: Bool) -> [Step] {
        guard let there = start.table.column(column.name),
            !renames.contains(where: { $0.from.isSameName(as: column.name) })
        else {
            return []
        }
        if isGone, let attribute = column.attribute { retired[Identifier(column.name)] = attribute }
        return there.isNotNull ? [.dropNotNull(column: column.name)] : []
    }

    private func isKey(_ name: String) -> Bool {
        binding.mode == .upsert && binding.key.containsName(name)
    }

    // MARK: - Renames

    /// Renames in an order in which no name is taken; one that is part of a circle goes by way of a name of its own.
    private func orderedRenames(leaving wanted: [ColumnShape]) throws(Conflict) -> [Step] {
        var taken = Set(start.table.columns.map { Identifier($0.name) })
        var waiting = renames
        var steps: [Step] = []
        while !waiting.isEmpty {
            if let index = waiting.firstIndex(where: { !taken.contains(Identifier($0.to)) }) {
                let rename = waiting.remove(at: index)
                steps.append(.rename(column: rename.from, to: rename.to))
                taken.remove(Identifier(rename.from))
                taken.insert(Identifier(rename.to))
                continue
            }
            let inTheWay = waiting.firstIndex { rename in waiting.contains { $0.from.isSameName(as: rename.to) } }
            guard let index = inTheWay else {
                throw Conflict(
                    message: "the source renamed the column \"\(waiting[0].from)\" to \"\(waiting[0].to)\", and the "
                        + "destination has another column of that name",
                    remedy: .readAgain(dropping: [waiting[0].to]))
            }
            let aside = "flow_renamed_\(steps.count)"
            steps.append(.rename(column: waiting[index].from, to: aside))
            taken.remove(Identifier(waiting[index].from))
            taken.insert(Identifier(aside))
            waiting[index].from = aside
        }
        return steps
    }
}
