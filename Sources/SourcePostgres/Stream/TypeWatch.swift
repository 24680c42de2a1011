import Connectors
import Postgres

/// Looks whether the user-defined types of captured columns are still what they were: a label that an enum gets, or another name
/// for one, is in no message of the log.
enum TypeWatch {
    /// Throws where a type has changed. A new session reads the types anew, and the destinations follow or refuse them.
    static func require(_ shapes: [TableShape], _ connection: Connection) throws {
        let catalog = TypeCatalog(connection: connection)
        for shape in shapes where !shape.types.isEmpty {
            let now = try catalog.definitions(of: shape.columns.map(\.typeOID))
            guard now != shape.types else { continue }
            let changed = shape.types.first { !now.contains($0) } ?? now.first { !shape.types.contains($0) }
            throw RunError(
                .transient, operation: "follow", object: "table \(QualifiedName(shape.namespace, shape.name))",
                message:
                    "its type \(changed.map { "\(QualifiedName($0.schema, $0.name))" } ?? "") has changed: looked at anew"
            )
        }
    }
}
