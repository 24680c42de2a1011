import Connectors
import JSON
import Postgres

/// How the rows of a table that is there are found by the collection's key: what serves already, what is to be made, or why
/// nothing can.
///
/// Invariant: whoever decides about a key asks here, a check, a plan and a run alike, on the table as it will be named then;
/// what is said to be made can be made.
enum DestinationKey {
    enum Decision {
        /// `ON CONFLICT` can name the key's columns.
        case serves
        case isToMake
    }

    /// Decides by the table's definition alone. Throws why no key can serve, with the statement that changes that.
    static func decide(_ table: DestinationTable, _ binding: LinkBinding, _ scope: ErrorScope) throws -> Decision {
        guard binding.mode == .upsert, !binding.isKeylessMirror else { return .serves }
        let name = QualifiedName(binding.schema, binding.name)
        let key = binding.key.joined(separator: ", ")
        if let late = table.deferrableKeys.first(where: { $0.columns.nameSet == binding.key.nameSet }) {
            throw scope.error(
                .needsOperator,
                "its key (\(key)) is unique by the constraint \"\(late.name)\", which is DEFERRABLE: rows can't be found by such a "
                    + "one, nor by another index beside it. Without it the key is made anew",
                hint: "run: ALTER TABLE \(name) DROP CONSTRAINT \(Identifier(late.name))")
        }
        if table.hasUniqueKey(binding.key) { return .serves }
        let wanted = binding.key.nameSet
        if let other = table.partitionKey.first(where: { $0.map { !wanted.contains(JSONKey($0)) } ?? true }) {
            let by = other.map { "the column \"\($0)\", which is no part of it" } ?? "an expression"
            throw scope.error(
                .needsOperator,
                "nothing keeps the collection's key (\(key)) unique there, and nothing can: the table is partitioned by \(by)",
                hint: "partition the destination's table by columns of the key, or name another table")
        }
        if let other = table.primaryKey {
            throw scope.error(
                .needsOperator,
                "the destination table's primary key is (\(other.joined(separator: ", "))), the collection's key is (\(key))",
                hint: "make a unique index on the collection's key: CREATE UNIQUE INDEX ON \(name) "
                    + "(\(list(binding))); or drop the destination's primary key: ALTER TABLE \(name) DROP CONSTRAINT "
                    + "\(Identifier(table.primaryKeyName ?? ""))")
        }
        return .isToMake
    }

    /// Looks at the rows that are there: throws where some have the same key, or none. `isUnique`: an index has seen to
    /// the former. Where the server takes too long to tell (a plan's sessions don't wait for long), nothing is said.
    static func requireRows(
        _ binding: LinkBinding, isUnique: Bool, _ connection: Connection, _ scope: ErrorScope
    ) throws {
        let name = QualifiedName(binding.schema, binding.name)
        let isNull = binding.key.map { "\(Identifier($0)) IS NULL" }.joined(separator: " OR ")
        if try exists("SELECT FROM \(name) WHERE \(raw: isNull)", connection, scope) {
            throw scope.error(
                .needsOperator,
                "it holds rows without a value of its key (\(binding.key.joined(separator: ", "))): nobody can tell which of the "
                    + "source's rows they are",
                hint: "give them a key at the destination, or remove them: SELECT * FROM \(name) WHERE \(isNull)")
        }
        guard !isUnique else { return }
        let same = "SELECT \(list(binding)), count(*) FROM \(name) GROUP BY \(list(binding)) HAVING count(*) > 1"
        if try exists("\(raw: same)", connection, scope) {
            throw scope.error(
                .needsOperator,
                "it holds several rows of one key (\(binding.key.joined(separator: ", "))), and nothing can keep it unique then",
                hint: "leave one row of each key at the destination: \(same)")
        }
    }

    /// Rows that the source keeps apart must not be one here.
    static func requireTelling(
        _ table: DestinationTable, _ shape: TableShape, _ binding: LinkBinding, _ scope: ErrorScope
    ) throws {
        guard binding.mode == .upsert else { return }
        for name in binding.key where table.column(name)?.joinsTexts == true {
            guard let column = shape.storedColumns.first(where: { $0.name.isSameName(as: name) }), !column.joinsTexts
            else { continue }
            throw scope.error(
                .needsOperator,
                "the destination's key \"\(name)\" has a collation by which texts of other bytes can be equal, and the source's has "
                    + "none such: rows that the source keeps apart would overwrite each other",
                hint:
                    "give the destination's column a deterministic collation: ALTER TABLE \(QualifiedName(binding.schema, binding.name)) ALTER COLUMN "
                    + "\(Identifier(name)) TYPE text COLLATE \"C\"")
        }
    }

    private static func exists(_ query: SQL, _ connection: Connection, _ scope: ErrorScope) throws -> Bool {
        try scope.rethrowing {
            try connection.execute("SAVEPOINT flow_keys")
            do {
                let found = try connection.query("SELECT EXISTS (\(raw: query.text))")[0, 0] == "t"
                try connection.execute("RELEASE SAVEPOINT flow_keys")
                return found
            } catch let error as PostgresError where error.sqlState == "57014" && !error.isConnectionLost {
                try connection.execute("ROLLBACK TO SAVEPOINT flow_keys")
                return false
            }
        }
    }

    private static func list(_ binding: LinkBinding) -> String {
        binding.key.map { Identifier($0).quoted }.joined(separator: ", ")
    }
}

extension DestinationTable {
    /// Why a column's NOT NULL can't be dropped by itself, with the statement that lets it; nil where it can. (Manual, "ALTER
    /// TABLE": columns of a primary key, of the index that is the replica identity, and identity columns.)
    private func bond(of column: String, in name: QualifiedName) -> (reason: String, sql: String)? {
        if primaryKey?.containsName(column) == true, let primaryKeyName {
            return ("the primary key \"\(primaryKeyName)\"", "DROP CONSTRAINT \(Identifier(primaryKeyName))")
        }
        if replicaIdentity.containsName(column) {
            return ("the index that is its replica identity", "REPLICA IDENTITY DEFAULT")
        }
        if self.column(column)?.isIdentity == true {
            return ("its being an identity column", "ALTER COLUMN \(Identifier(column)) DROP IDENTITY")
        }
        return nil
    }

    /// Throws where one of the columns, which are to take nulls, must not.
    func requireFree(_ columns: [String], _ binding: LinkBinding, _ scope: ErrorScope) throws {
        let name = QualifiedName(binding.schema, binding.name)
        for column in columns {
            guard let bond = bond(of: column, in: name) else { continue }
            throw scope.error(
                .needsOperator,
                "rows can come without a value of its column \"\(column)\", which is NOT NULL for \(bond.reason)",
                hint: "run: ALTER TABLE \(name) \(bond.sql)")
        }
    }
}
