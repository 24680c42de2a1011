import Connectors
import Postgres

/// A destination table as the catalog has it.
struct DestinationTable: Equatable {
    var columns: [DestinationColumn]
    var isPartitioned = false
    /// By what a partitioned table tells its partitions apart, in order; nil for an expression.
    var partitionKey: [String?] = []
    /// Whether the session's role may run what only an owner may.
    var isOwned = true
    /// The primary key's columns in order, and its constraint's name; nil without one.
    var primaryKey: [String]?
    var primaryKeyName: String?
    /// Unique constraints that are DEFERRABLE, the primary key among them.
    var deferrableKeys: [NamedKey] = []
    /// The columns of the index that is the replica identity; empty where none is.
    var replicaIdentity: [String] = []
    /// The column sets that a unique index decides conflicts by: no predicate, no expression, not deferrable.
    var uniqueKeys: [[String]] = []

    /// What rows without a key are found by; nil where there is no such index.
    var contentIndex: ContentIndex?

    /// Indexes that refuse rows, of whichever kind.
    var uniqueIndexes = 0
    /// The foreign keys that refer to the table or a partition of it, where the session that looked has the server see to them.
    var references: [ForeignKey] = []
    /// Whether rows of it may have to wait for those that refer to them. Then it is never without its key: rows would be written
    /// anew, and actions of foreign keys fire.
    var holdsDeletes: Bool { references.contains(where: \.holdsDeletes) }
    /// Whether a foreign key refers to the table.
    var isReferredTo = false
    /// Whether the table has a foreign key that the server sees to in the session that looked.
    var refers = false
    /// What would take other rows than it is given, without an error; nil where nothing does.
    var obstacle: Obstacle?

    /// Triggers of the table or its partitions that fire before each row in the session that looked.
    var triggers: [RowTrigger] = []

    /// A constraint and its columns in order.
    struct NamedKey: Equatable {
        var name: String
        var columns: [String]
    }

    /// Something of a table that changes or hides rows on their way.
    enum Obstacle: Equatable {
        case rowSecurity
        /// A rule by this name.
        case rule(String)
    }

    func column(_ name: String) -> DestinationColumn? {
        columns.first { $0.name.isSameName(as: name) }
    }

    /// As it would be with steps that only a plan has taken.
    func after(_ steps: [EvolutionPlan.Step]) -> DestinationTable {
        var table = self
        for step in steps {
            switch step {
            case .rename(let column, let new):
                func renamed(_ name: String) -> String { name.isSameName(as: column) ? new : name }
                for index in table.columns.indices { table.columns[index].name = renamed(table.columns[index].name) }
                table.primaryKey = table.primaryKey?.map(renamed)
                table.uniqueKeys = table.uniqueKeys.map { $0.map(renamed) }
                table.partitionKey = table.partitionKey.map { $0.map(renamed) }
                table.replicaIdentity = table.replicaIdentity.map(renamed)
                for index in table.deferrableKeys.indices {
                    table.deferrableKeys[index].columns = table.deferrableKeys[index].columns.map(renamed)
                }
                table.contentIndex = table.contentIndex.map { ContentIndex(columns: $0.columns.map(renamed)) }
            case .addColumn(let column, let isNotNull):
                table.columns.append(
                    DestinationColumn(
                        name: column.name, type: column.type, typeOID: column.typeOID, isNotNull: isNotNull,
                        hasDefault: column.missingValue != nil))
            case .addGenerated(let column):
                table.columns.append(
                    DestinationColumn(name: column.name, type: column.type, typeOID: 0, isGenerated: true))
            case .dropNotNull(let name):
                for index in table.columns.indices where table.columns[index].name.isSameName(as: name) {
                    table.columns[index].isNotNull = false
                }
            case .alterType(let name, let type):
                for index in table.columns.indices where table.columns[index].name.isSameName(as: name) {
                    table.columns[index].type = type
                }
            }
        }
        return table
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
    /// Its number there, which stays when it is renamed; 0 where it is only planned.
    var number = 0
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
    /// `GENERATED … AS IDENTITY`.
    var isIdentity = false
    /// `GENERATED ALWAYS AS IDENTITY`: can't be updated.
    var isAlwaysIdentity = false
    /// Whether values that are equal to the type's `=` can differ as text (`1.0` and `1.00`).
    var hasLooseEquality = false
    /// Whether texts of other bytes can be equal, by a nondeterministic collation.
    var joinsTexts = false
    /// The column of a staging table, as DDL writes it: of a domain's own base type, since what an update left out is null
    /// there, which the domain may refuse.
    var stagedType = ""
    /// What the type's index compares by.
    var operators = KeyOperators.builtIn
}
