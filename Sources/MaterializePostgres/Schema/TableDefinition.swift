import Connectors
import Postgres

/// DDL of one destination table.
struct TableDefinition {
    let binding: LinkBinding
    let shape: TableShape

    private var name: QualifiedName { QualifiedName(binding.schema, binding.name) }

    /// The source's columns in order, then the metadata's. Rows of a delta table can lack any column.
    func create(withKey: Bool) -> String {
        var lines = columns.map { column in
            TableDefinition.column(column, isNotNull: binding.mode == .upsert && (column.isNotNull || isKey(column)))
        }
        lines += shape.generated.map { TableDefinition.generated($0) }
        lines += binding.metadataColumns.map { "\(Identifier($0.name)) \($0.definition(in: binding.mode))" }
        if withKey, !binding.isKeylessMirror { lines.append("PRIMARY KEY (\(keyList))") }
        return "CREATE TABLE \(name) (\(lines.joined(separator: ", ")))"
    }

    var columns: [ColumnShape] {
        shape.storedColumns
    }

    /// As the source computes it.
    static func generated(_ column: GeneratedColumn) -> String {
        let collation = column.collation.map { " COLLATE \($0)" } ?? ""
        return "\(Identifier(column.name)) \(column.type)\(collation) GENERATED ALWAYS AS (\(column.expression)) STORED"
    }

    private func isKey(_ column: ColumnShape) -> Bool { binding.key.containsName(column.name) }

    var keyList: String { binding.key.map { Identifier($0).quoted }.joined(separator: ", ") }

    /// A column with its type, collation and constant default: the value that older rows have.
    static func column(_ column: ColumnShape, isNotNull: Bool, withMissingValue: Bool = false) -> String {
        var text = "\(Identifier(column.name)) \(column.type)"
        if let collation = column.collation { text += " COLLATE \(collation)" }
        if withMissingValue, let value = column.missingValue { text += " DEFAULT \(SQL.literal(value))" }
        if isNotNull { text += " NOT NULL" }
        return text
    }

    /// Makes the key of a table that has rows: readers wait only while the finished index is taken for it. Without a key, the
    /// index that rows are found by, if there can be one.
    func addKey(isPartitioned: Bool, constraint: String, contentIndex: ContentIndex? = nil) -> [String] {
        guard !binding.isKeylessMirror else {
            return contentIndex.map { [$0.create(Identifier(constraint), on: name)] } ?? []
        }
        guard !isPartitioned else { return ["ALTER TABLE \(name) ADD PRIMARY KEY (\(keyList))"] }
        let index = Identifier(constraint)
        return [
            "CREATE UNIQUE INDEX \(index) ON \(name) (\(keyList))",
            "ALTER TABLE \(name) ADD CONSTRAINT \(index) PRIMARY KEY USING INDEX \(index)",
        ]
    }

    /// The statements of an evolution's steps: renames one by one, everything else in one ALTER.
    func evolve(_ steps: [EvolutionPlan.Step]) -> [String] {
        var statements: [String] = []
        var actions: [String] = []
        for step in steps {
            switch step {
            case .rename(let column, let new):
                statements.append("ALTER TABLE \(name) RENAME COLUMN \(Identifier(column)) TO \(Identifier(new))")
            case .addColumn(let column, let isNotNull):
                actions.append(
                    "ADD COLUMN "
                        + TableDefinition.column(column, isNotNull: isNotNull, withMissingValue: true))
            case .addGenerated(let column):
                actions.append("ADD COLUMN \(TableDefinition.generated(column))")
            case .dropNotNull(let column):
                actions.append("ALTER COLUMN \(Identifier(column)) DROP NOT NULL")
            case .alterType(let column, let type):
                actions.append("ALTER COLUMN \(Identifier(column)) TYPE \(type)")
            }
        }
        if !actions.isEmpty { statements.append("ALTER TABLE \(name) \(actions.joined(separator: ", "))") }
        return statements
    }
}
