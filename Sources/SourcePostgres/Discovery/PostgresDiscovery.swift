import Connectors
import JSON
import Postgres

/// Finds the tables of a Postgres database and says how each would be captured.
public struct PostgresDiscovery: Discovery {
    let connection: ConnectionParameters
    /// The publication that says which tables are wanted where only published ones are.
    let publication: String
    let binary: BinaryHandling
    /// Partitions are found in the place of the tables that they are partitions of.
    let listsPartitions: Bool

    public init(
        connection: ConnectionParameters, publication: String = "flow_publication", binary: BinaryHandling = .bytes,
        listsPartitions: Bool = false
    ) {
        self.connection = connection
        self.publication = publication
        self.binary = binary
        self.listsPartitions = listsPartitions
    }

    public init(config: PostgresCaptureConfig) {
        self.init(
            connection: config.connection, publication: config.publication, binary: config.binaryHandling,
            listsPartitions: config.capturesPartitions)
    }

    public func discover(_ selection: TableSelection) throws -> DiscoveredTables {
        do {
            let connection = try Connection(connection)
            defer { connection.close() }
            try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            let tables = try TableListing(connection: connection, listsPartitions: listsPartitions).read(
                selection, publication: selection.onlyPublished ? publication : nil)
            let columns = ColumnSchema(types: try TypeTable(connection), binary: binary)
            try connection.execute("COMMIT")
            let names = tables.map { (schema: $0.name.schema.name, table: $0.name.name.name) }
            return DiscoveredTables(
                tables: tables.map { PostgresDiscovery.describe($0, columns) },
                warnings: selection.unmatched(among: names).map { "no table matches \($0) (case is significant)" })
        } catch let error as PostgresError {
            throw error.asRunError(operation: "discover the tables of", object: "source \(connection)", task: nil)
        }
    }

    // MARK: - One table

    static func describe(_ table: FoundTable, _ columns: ColumnSchema) -> DiscoveredTable {
        var found = DiscoveredTable(namespace: table.name.schema.name, stream: table.name.name.name)
        if let obstacle = obstacle(table, columns.types) {
            found.obstacle = obstacle
            return found
        }
        switch KeyChoice(table) {
        case .impossible(let obstacle):
            found.obstacle = obstacle
            return found
        case .keyless:
            found.isKeyless = true
            found.resource["mode"] = "Without Primary Key"
            found.key = (0...2).map { "/_meta/source/loc/\($0)" }
            found.schema = schema(table, key: [], columns, hasPlace: true)
            found.notes.append("it has no key: each change is a row of its own at the destination")
        case .columns(let key, let isFallback):
            found.key = key.map { "/" + JSONPointer.escape($0.name) }
            if key.allSatisfy(columns.isScalar) {
                found.schema = schema(table, key: key.map(\.name), columns, hasPlace: false)
            } else {
                found.notes.append(
                    "its key has an array, or another type that no JSON Schema of a key can say: the schema is left out"
                )
            }
            if isFallback { found.notes.append("it has no primary key: a unique index stands in for one") }
        }
        if !table.isReadable {
            found.notes.append("the user may not read it yet: \(grant(table))")
        }
        let left = table.columns.filter(\.isGenerated).map(\.name)
        if !left.isEmpty { found.notes.append("generated columns are not in the log: \(left.joined(separator: ", "))") }
        return found
    }

    private static func grant(_ table: FoundTable) -> String {
        "GRANT USAGE ON SCHEMA \(table.name.schema) and GRANT SELECT ON \(table.name) to it"
    }

    private static func obstacle(_ table: FoundTable, _ types: TypeTable) -> DiscoveredTable.Obstacle? {
        switch table.kind {
        case "v": return .init("it is a view, and the log has the changes of tables only")
        case "m": return .init("it is a materialized view, and the log has the changes of tables only")
        case "f": return .init("it is a foreign table, and its changes are in another server's log")
        default: break
        }
        if table.isUnlogged {
            return .init("it is unlogged: nothing of it is in the log", remedy: "ALTER TABLE \(table.name) SET LOGGED;")
        }
        if let name = table.owningExtension { return .init("it belongs to the extension \(name)") }
        if table.loggedColumns.isEmpty { return .init("it has no column that the log carries") }
        let strange = table.loggedColumns.compactMap { column in
            types.unmakeable(column.typeOID).map { "\(column.name) is of type \($0)" }
        }
        guard let first = strange.first else { return nil }
        return .init("its column \(first), a user-defined range or base type that no destination can be given")
    }

    private static func schema(
        _ table: FoundTable, key: [String], _ columns: ColumnSchema, hasPlace: Bool
    ) -> JSONValue {
        var properties = JSONObject()
        for column in table.loggedColumns {
            properties[column.name] = columns.schema(of: column, isKey: key.containsName(column.name))
        }
        if hasPlace { properties["_meta"] = place }
        var schema = JSONObject([("type", "object")])
        if let comment = table.comment { schema["description"] = .string(comment) }
        schema["required"] = .array((hasPlace ? ["_meta"] : key).map { .string($0) })
        schema["properties"] = .object(properties)
        return .object(schema)
    }

    /// Where a change was in the log: what tells documents of keyless tables apart.
    private static let place: JSONValue = [
        "type": "object", "required": ["source"],
        "properties": [
            "source": [
                "type": "object", "required": ["loc"],
                "properties": ["loc": ["type": "array", "minItems": 3, "items": ["type": "integer"]]],
            ]
        ],
    ]
}
