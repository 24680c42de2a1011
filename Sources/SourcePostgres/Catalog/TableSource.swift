import Connectors
import Postgres

/// A captured table as the source's catalog has it.
struct TableSource: Sendable {
    /// The capture's binding.
    var index: Int
    var oid: UInt32
    var name: QualifiedName
    var isPartitioned: Bool
    /// pg_class.relreplident: d, i, f or n.
    var replicaIdentity: Character
    /// The columns of the index in whose order the table is read, in index order: the replica identity's, or with full
    /// identity the primary key's. Empty: the table has none.
    var orderColumns: [String]
    var estimatedRows: Int64?
    /// How it is published: the publication's own row for it. Another one means that it was out of the publication meanwhile.
    var membership: String?
    /// The publication itself, as the catalog had it (`PublicationReading.version`).
    var publication: String?
    /// The publication's name, where the server is one whose publications can show generated columns (18 and later).
    var publisher: String?
    /// The index of its binding in the task's list.
    var binding: Int?

    var storage = TableStorage()
    var generated = GeneratedColumns()
    /// Where its rows were as it was prepared.
    var found = FoundStorage()

    /// Columns that old rows must have: the order's, and those of the destinations' keys.
    var neededIdentity: Set<Identifier> = []

    /// What destinations tell its rows apart by.
    var keys: [CapturedTable.Key] = []

    /// Tables inherit from it. They are published and captured by themselves, if at all: the log names a row's own table.
    var hasHeirs = false

    /// What a SELECT reads, so that it has the rows whose changes the log shows under this table: none of an heir's, all of
    /// a partition's.
    var rows: SQL { isPartitioned ? "\(name)" : "ONLY \(name)" }

    /// How a publication names it, to publish it alone.
    var published: String { hasHeirs && !isPartitioned ? "ONLY \(name)" : "\(name)" }

    /// What the log's changes belong to, by the catalog's numbers: a table of the same name that was dropped and made anew,
    /// or taken out of the publication and back, has another.
    var identity: String { "\(oid)/\(membership ?? "")" }

    /// Whether the log shows updates and deletes of the table.
    func hasIdentity(_ shape: TableShape) -> Bool { shape.columns.contains(where: \.isIdentity) }
}
