import Connectors
import JSON
import Postgres

extension PostgresMaterialization {
    /// The endpoint config of a materialization, with its secrets resolved to text.
    public struct Config: Sendable {
        /// Whether destination tables may be made and changed.
        public enum SchemaEvolution: String, Sendable {
            /// Tables and columns are made, NOT NULL is relaxed, types are widened.
            case basic
            /// No table is changed: an error says what is missing.
            case none
        }

        /// The session_replication_role of the sessions that store rows.
        public enum ReplicationRole: String, Sendable {
            /// `replica` where the role may set it.
            case automatic
            case replica, origin
        }

        public var connection: ConnectionParameters
        /// The schema of bindings that name none.
        public var schema: String
        /// Where checkpoints and states are kept.
        public var metadataSchema: String
        /// What bindings do that don't say it themselves.
        public var insertMode: InsertMode
        public var deleteMode: DeleteMode
        public var schemaEvolution: SchemaEvolution
        public var replicationRole: ReplicationRole
        /// Connections that store rows side by side, each its own tables; 1: all rows of a link in one transaction.
        public var tasks: Int

        public init(
            connection: ConnectionParameters, schema: String = "public", metadataSchema: String = "flow",
            insertMode: InsertMode = .upsert, deleteMode: DeleteMode = .hard,
            schemaEvolution: SchemaEvolution = .basic, replicationRole: ReplicationRole = .automatic, tasks: Int = 1
        ) {
            self.tasks = tasks
            self.connection = connection
            self.schema = schema
            self.metadataSchema = metadataSchema
            self.insertMode = insertMode
            self.deleteMode = deleteMode
            self.schemaEvolution = schemaEvolution
            self.replicationRole = replicationRole
        }

        /// Reads the config of a catalog's `endpoint.connector.config`. Throws a `RunError` that names the property.
        public init(_ value: JSONValue) throws {
            let advanced = value["advanced"]
            let toast = advanced?["toast"]?.stringValue ?? "null"
            guard toast == "null" || toast == "lookup" else {
                throw Config.fault("advanced.toast", "is neither null nor lookup")
            }
            let hard = value["hardDelete"]?.boolValue.map { $0 ? DeleteMode.hard : .soft }
            self.init(
                connection: try Config.connection(value),
                schema: value["schema"]?.stringValue ?? "public",
                metadataSchema: advanced?["metadataSchema"]?.stringValue ?? "flow",
                insertMode: try Config.choice(value["insertMode"], "insertMode") ?? .upsert,
                deleteMode: try Config.choice(value["deleteMode"], "deleteMode") ?? hard ?? .hard,
                schemaEvolution: try Config.choice(value["schemaEvolution"], "schemaEvolution") ?? .basic,
                replicationRole: try Config.choice(
                    advanced?["sessionReplicationRole"], "advanced.sessionReplicationRole") ?? .automatic,
                tasks: try Config.tasks(value["tasks"]))
        }

        /// The most writers that a materialization may have.
        private static let mostTasks = 64

        private static func tasks(_ value: JSONValue?) throws -> Int {
            guard let value else { return 1 }
            guard let tasks = value.intValue, (1...mostTasks).contains(tasks) else {
                throw fault("tasks", "is no number from 1 to \(mostTasks)")
            }
            return tasks
        }

        private static func connection(_ value: JSONValue) throws -> ConnectionParameters {
            guard let text = value["address"]?.stringValue else { throw fault("address", "is missing") }
            guard let user = value["user"]?.stringValue else { throw fault("user", "is missing") }
            let address: Address
            do {
                address = try Address(text)
            } catch let error as PostgresError {
                throw fault("address", error.message)
            }
            var parameters = ConnectionParameters(
                host: address.host, port: address.port, database: value["database"]?.stringValue ?? "postgres",
                user: user, password: value["password"]?.stringValue ?? value["credentials"]?["password"]?.stringValue)
            do {
                try parameters.readWay { names in names.reduce(Optional(value)) { $0?[$1] }?.stringValue }
            } catch let error as PostgresError {
                throw RunError(
                    .needsOperator, operation: error.operation, message: error.message, hint: error.hint)
            }
            return parameters
        }

        private static func choice<Choice: RawRepresentable>(
            _ value: JSONValue?, _ property: String
        ) throws -> Choice? where Choice.RawValue == String {
            guard let value else { return nil }
            guard let text = value.stringValue, let choice = Choice(rawValue: text) else {
                throw fault(property, "has no such choice")
            }
            return choice
        }

        private static func fault(_ property: String, _ message: String) -> RunError {
            RunError(.needsOperator, operation: "read the config", object: property, message: message)
        }
    }
}
