import Postgres

/// A relation as discovery reads it from the catalog.
struct FoundTable {
    /// A column that is there.
    struct Column {
        var number: Int
        var name: String
        var typeOID: UInt32
        var typeModifier: Int
        var isNotNull: Bool
        /// The log leaves it out.
        var isGenerated: Bool
        /// As DDL writes the type.
        var type: String
        var comment: String?
    }

    /// An index whose columns could be a key.
    struct Index {
        var name: String
        var isPrimary: Bool
        var isReplicaIdentity: Bool
        /// Unique at once, valid, without predicate and expressions.
        var isKey: Bool
        /// Column numbers, included columns left out.
        var columns: [Int]
    }

    var oid: UInt32
    var name: QualifiedName
    /// pg_class.relkind: r, p, v, m, f.
    var kind: Character
    var isUnlogged: Bool
    /// pg_class.relreplident: d, i, f or n.
    var replicaIdentity: Character
    var comment: String?
    /// The extension that it came with.
    var owningExtension: String?
    var isReadable: Bool
    var columns: [Column] = []
    var indexes: [Index] = []

    /// Columns that the log carries.
    var loggedColumns: [Column] { columns.filter { !$0.isGenerated } }

    func column(_ number: Int) -> Column? { columns.first { $0.number == number } }
}
