import Connectors
import Postgres

/// Whether a captured table is there, can be read, and is told apart row by row in the log.
struct TableCheck {
    let checking: SourceChecking
    let links: [LinkSpec]

    /// The table and its shape; nil where it can't be captured, which is then a finding.
    func run(_ table: CapturedTable, _ index: Int) throws -> (TableSource, TableShape)? {
        let name = QualifiedName(table.namespace, table.stream)
        let catalog = TableCatalog(
            connection: checking.connection, publication: checking.config.publication)
        guard let source = try catalog.table(name, index: index) else {
            try reportAbsent(name)
            return nil
        }
        if checking.config.capturesPartitions, source.isPartitioned {
            let root = try PartitionedRoot(source, checking.connection)
            checking.add(.unmet, "table \(name)", root.reason, .step(root.remedy))
            return nil
        }
        try checkReading(name)
        try checkRowSecurity(source)
        let shape = try catalog.shape(of: source)
        try checkIdentity(source, shape)
        return (source, shape)
    }

    private func reportAbsent(_ name: QualifiedName) throws {
        let rows = try checking.connection.query(
            """
            SELECT c.relkind, c.relpersistence FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            """, [name.schema.name, name.name.name])
        guard rows.count > 0 else {
            let near = try checking.connection.query(
                """
                SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE lower(n.nspname) = lower($1) AND lower(c.relname) = lower($2) AND c.relkind IN ('r', 'p') LIMIT 1
                """, [name.schema.name, name.name.name])
            let hint = near[0, 0].map { "is \($0) meant?" } ?? "check the binding's namespace and stream"
            checking.add(
                .unmet, "table \(name)", "there is none in database \(checking.config.connection.database)",
                .step("\(hint) (case is significant)"))
            return
        }
        if rows[0, 1] == "u" {
            checking.add(
                .unmet, "table \(name)", "it is unlogged: nothing of it is in the log",
                .sql("ALTER TABLE \(name) SET LOGGED;"))
        } else {
            let kind = ["v": "a view", "m": "a materialized view", "f": "a foreign table"][rows[0, 0] ?? ""]
            checking.add(
                .unmet, "table \(name)",
                "it is \(kind ?? "no ordinary table"), and the log has the changes of tables only",
                .step("capture the tables behind it"))
        }
    }

    private func checkReading(_ name: QualifiedName) throws {
        let usage = try checking.connection.query("SELECT has_schema_privilege($1, 'USAGE')", [name.schema.name])
        var grants: [String] = []
        if usage[0, 0] != "t" { grants.append("GRANT USAGE ON SCHEMA \(name.schema) TO \(checking.role);") }
        let select = try checking.connection.query(
            """
            SELECT has_table_privilege(c.oid, 'SELECT') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2
            """, [name.schema.name, name.name.name])
        if select[0, 0] != "t" { grants.append("GRANT SELECT ON \(name) TO \(checking.role);") }
        let refused = try checking.refusal {
            // What policies hide is `checkRowSecurity`'s to say.
            try checking.connection.execute(
                "SET LOCAL transaction_read_only = on; SET LOCAL row_security = on; SELECT * FROM \(name) LIMIT 0")
        }
        guard refused != nil || !grants.isEmpty else { return }
        if grants.isEmpty, refused?.sqlState != "42501" {
            checking.add(.unmet, "table \(name)", "reading it fails: \(refused?.message ?? "")")
        } else {
            checking.add(
                .unmet, "table \(name)", "the role may not read it",
                .sql(grants.isEmpty ? "GRANT SELECT ON \(name) TO \(checking.role);" : grants.joined(separator: " ")),
                isOfRole: true)
        }
    }

    /// A policy that shows the role every row is as good as none, unless another restricts.
    private func checkRowSecurity(_ source: TableSource) throws {
        guard let found = try RowSecurity.guards([source.oid], checking.connection).first, found.hidesRows else {
            return
        }
        let message = "row security hides rows from the role: a backfill would miss them"
        guard found.restrictive.isEmpty else {
            checking.add(
                .unmet, "table \(source.name)",
                "\(message); its policy \(found.restrictive.joined(separator: ", ")) is restrictive, which no other policy "
                    + "helps against: where BYPASSRLS can't be given, ALTER POLICY … TO … has it name other roles",
                .sql("ALTER ROLE \(checking.role) BYPASSRLS;"), isOfRole: true)
            return
        }
        checking.add(.unmet, "table \(source.name)", message, .sql(found.policy(source.name)), isOfRole: true)
    }

    private func checkIdentity(_ source: TableSource, _ shape: TableShape) throws {
        let full = "ALTER TABLE \(source.name) REPLICA IDENTITY FULL;"
        guard source.hasIdentity(shape) else {
            let found = try TableListing(
                connection: checking.connection, listsPartitions: checking.config.capturesPartitions
            ).read(
                TableSelection(list: [.init(schema: source.name.schema.name, table: source.name.name.name)]),
                publication: nil)
            let obstacle = found.first.flatMap { table -> DiscoveredTable.Obstacle? in
                if case .impossible(let obstacle) = KeyChoice(table) { obstacle } else { nil }
            }
            checking.add(
                .unmet, "table \(source.name)",
                obstacle?.reason ?? "it has no replica identity: once published, its updates and deletes would fail",
                .sql(obstacle?.remedy ?? full))
            return
        }
        if let found = try GeneratedIdentity.find([source], checking.connection) {
            checking.add(.unmet, "table \(found.table)", found.reason, .step(found.remedy))
        }
        let keys = links.flatMap(\.bindings).filter { $0.table == source.index && $0.mode == .upsert }
        if keys.contains(where: \.isKeylessMirror), source.replicaIdentity != "f" || !shape.hasWholeOldRows {
            checking.add(
                .unmet, "table \(source.name)",
                "its collection has no key among its columns, and the log lacks columns of the rows that updates and deletes "
                    + "are of", .sql(full))
        }
        for column in keys.flatMap(\.key).nameSet.sorted().map(\.text) {
            guard let index = shape.index(of: column) else {
                checking.add(
                    .unmet, "table \(source.name)", "it has no column \"\(column)\", which the collection's key names",
                    .step("columns: " + shape.columns.map(\.name).joined(separator: ", ")))
                continue
            }
            if !shape.columns[index].isIdentity {
                checking.add(
                    .unmet, "table \(source.name)",
                    "its replica identity lacks the key's column \"\(column)\": deletes could not be followed",
                    .sql(full))
            }
        }
        if source.isPartitioned { try checkPartitions(source) }
        try checkUnique(keys, source, shape)
    }

    private func checkUnique(_ bindings: [LinkBinding], _ source: TableSource, _ shape: TableShape) throws {
        let keys = bindings.filter { !$0.key.isEmpty }.map {
            CapturedTable.Key(columns: $0.key, collection: $0.collection, task: "", binding: $0.index)
        }
        do {
            try UniqueKeys(connection: checking.connection).require(keys, of: source, shape)
        } catch let error as RunError {
            checking.add(.unmet, "table \(source.name)", error.message, .step(error.hint ?? ""))
        }
    }

    /// The identity that counts is the partition's own.
    private func checkPartitions(_ source: TableSource) throws {
        let rows = try checking.connection.query(
            """
            SELECT n.nspname, c.relname FROM \(raw: PartitionTree.sql(of: "\(source.oid)::oid")) t
              JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE t.isleaf AND c.relkind = 'r'
               AND (c.relreplident = 'n' OR (c.relreplident = 'd' AND NOT EXISTS (
                     SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))
             ORDER BY 1, 2
            """)
        let found = try StorageReading(connection: checking.connection).read([source])[source.oid]
        if let fault = found.flatMap({ StorageFault.unlogged($0, of: source) }) {
            checking.add(.unmet, "table \(source.name)", fault.message, .step(fault.remedy(source) ?? ""))
        }
        guard rows.count > 0 else { return }
        let names = (0..<rows.count).map { QualifiedName(rows[$0, 0] ?? "", rows[$0, 1] ?? "") }
        checking.add(
            .unmet, "table \(source.name)", "\(names.count) of its partitions have no replica identity",
            .sql(names.map { "ALTER TABLE \($0) REPLICA IDENTITY FULL;" }.joined(separator: " ")))
    }
}
