import Connectors

/// A destination table as the catalog has it.
struct DestinationTable: Equatable {
    var columns: [DestinationColumn]
    var isPartitioned = false
    /// The primary key's columns in order; nil without one.
    var primaryKey: [String]?
    /// The column sets that a unique index decides conflicts by: no predicate, no expression, not deferrable.
    var uniqueKeys: [[String]] = []

    /// Indexes that refuse rows, of whichever kind.
    var uniqueIndexes = 0
    /// Whether a foreign key refers to the table.
    var isReferredTo = false
    /// What would take other rows than it is given, without an error; nil where nothing does.
    var obstacle: Obstacle?

    /// Something of a table that changes or hides rows on their way.
    enum Obstacle: Equatable {
        case rowSecurity
        /// A rule by this name.
        case rule(String)
    }

    func column(_ name: String) -> DestinationColumn? {
        columns.first { $0.name.isSameName(as: name) }
    }

    /// Whether `ON CONFLICT` can name these columns.
    func hasUniqueKey(_ key: [String]) -> Bool {
        let wanted = key.nameSet
        return uniqueKeys.contains { $0.nameSet == wanted }
    }
}

/// One column of a destination table.
struct DestinationColumn: Equatable {
    var name: String
    /// As `format_type` writes it.
    var type: String
    var typeOID: UInt32
    var typeModifier: Int32 = -1
    /// Quoted and qualified, where it is not the type's own.
    var collation: String?
    var isNotNull = false
    /// Whether a row that doesn't name the column gets a value all the same: a default or an identity.
    var hasDefault = false
    /// Computed by the destination: it takes no values.
    var isGenerated = false
    /// `GENERATED ALWAYS AS IDENTITY`: can't be updated.
    var isAlwaysIdentity = false
    /// Whether values that are equal to the type's `=` can differ as text (`1.0` and `1.00`).
    var hasLooseEquality = false
    /// The operator that the type's index compares by, as it is written between two values.
    var equality = "="
}
