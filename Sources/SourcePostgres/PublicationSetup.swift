import Connectors
import Postgres

/// Makes the publication cover the captured tables with all that happens to them, and refuses one that leaves something out.
struct PublicationSetup {
    let connection: Connection
    let name: String
    let isReadOnly: Bool

    struct Result {
        var provisioned: [String] = []
        /// The statement that takes back what was made; nil where nothing was.
        var undo: String?
    }

    /// `followed`: indexes of tables of which a destination has rows. One that is not published any more has lost changes.
    func prepare(_ tables: [TableSource], followed: Set<Int>) throws -> Result {
        var result = Result()
        let identifier = Identifier(name)
        let rows = try connection.query(
            """
            SELECT puballtables, pubinsert AND pubupdate AND pubdelete AND pubtruncate, to_jsonb(p) ->> 'pubviaroot'
              FROM pg_publication p WHERE pubname = \(literal: name)
            """)
        if rows.count == 0 {
            try refuseGaps(tables, followed, identifier)
            try refuseIfReadOnly("CREATE PUBLICATION \(identifier) FOR TABLE \(list(tables));")
            let options = try supportsViaRoot() ? " WITH (publish_via_partition_root = true)" : ""
            try run("CREATE PUBLICATION \(identifier) FOR TABLE \(list(tables))\(options)")
            result.provisioned.append("publication \(identifier) for \(tables.count) tables")
            result.undo = "DROP PUBLICATION IF EXISTS \(identifier)"
            return result
        }
        guard rows[0, 1] == "t" else {
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message: "it does not publish every kind of change",
                hint: "ALTER PUBLICATION \(identifier) SET (publish = 'insert, update, delete, truncate');")
        }
        if tables.contains(where: \.isPartitioned), rows[0, 2] != "true" {
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message:
                    "it shows the changes of partitions under their own names, and a partitioned table is captured",
                hint: "ALTER PUBLICATION \(identifier) SET (publish_via_partition_root = true);")
        }
        let missing = try refuseNarrowed(tables, identifier)
        try refuseGaps(missing, followed, identifier)
        if !missing.isEmpty {
            try refuseIfReadOnly("ALTER PUBLICATION \(identifier) ADD TABLE \(list(missing));")
            try run("ALTER PUBLICATION \(identifier) ADD TABLE \(list(missing))")
            result.provisioned.append(
                "publication \(identifier): added \(missing.map { "\($0.name)" }.joined(separator: ", "))")
            result.undo = "ALTER PUBLICATION \(identifier) DROP TABLE \(list(missing))"
        }
        return result
    }

    private func refuseGaps(_ missing: [TableSource], _ followed: Set<Int>, _ identifier: Identifier) throws {
        let gaps = missing.filter { followed.contains($0.index) }
        guard !gaps.isEmpty else { return }
        let names = gaps.map { "\($0.name)" }.joined(separator: ", ")
        throw RunError(
            .needsOperator, operation: "resume with", object: "publication \(identifier)",
            message: "it does not publish \(names) any more: changes since then are missing at the destinations",
            hint: "have these tables read again: at each destination, empty them and delete their rows of flow.bindings"
                + (gaps.count == missing.count ? "" : "; tables that are new are added by themselves"))
    }

    /// Returns the tables that are not published; refuses rows or columns that are left out.
    private func refuseNarrowed(_ tables: [TableSource], _ identifier: Identifier) throws -> [TableSource] {
        let rows = try connection.query(
            """
            SELECT t.schemaname, t.tablename, to_jsonb(t) ->> 'rowfilter',
                   (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = t.schemaname AND c.relname = t.tablename AND a.attnum > 0
                       AND NOT a.attisdropped AND a.attgenerated = ''
                       AND to_jsonb(t) -> 'attnames' IS NOT NULL
                       AND NOT (to_jsonb(t) -> 'attnames') ? a.attname::text)
              FROM pg_publication_tables t WHERE t.pubname = \(literal: name)
            """)
        var published: Set<String> = []
        var filtered: Set<String> = []
        var narrowed: Set<String> = []
        for row in 0..<rows.count {
            let key = (rows[row, 0] ?? "") + "\u{0}" + (rows[row, 1] ?? "")
            published.insert(key)
            if rows[row, 2] != nil { filtered.insert(key) }
            if rows[row, 3] != "0" { narrowed.insert(key) }
        }
        func key(_ table: TableSource) -> String { table.name.schema.name + "\u{0}" + table.name.name.name }
        for table in tables where filtered.contains(key(table)) || narrowed.contains(key(table)) {
            let what = filtered.contains(key(table)) ? "a row filter" : "a column list"
            throw RunError(
                .needsOperator, operation: "use", object: "publication \(identifier)",
                message: "it has \(what) for \(table.name), which would leave something of it out",
                hint: "ALTER PUBLICATION \(identifier) DROP TABLE \(table.name); "
                    + "ALTER PUBLICATION \(identifier) ADD TABLE \(table.name);")
        }
        return tables.filter { !published.contains(key($0)) }
    }

    private func supportsViaRoot() throws -> Bool { connection.serverVersion >= 130_000 }

    private func list(_ tables: [TableSource]) -> String {
        tables.map { "\($0.name)" }.joined(separator: ", ")
    }

    private func run(_ statement: String) throws {
        do {
            try connection.execute("\(raw: statement)")
        } catch let error as PostgresError where error.sqlState == "42501" {
            throw RunError(
                .needsOperator, operation: "make", object: "publication \(Identifier(name))", message: error.message,
                hint: "run as the tables' owner, who has CREATE on the database: \(statement);",
                sqlState: error.sqlState)
        }
    }

    private func refuseIfReadOnly(_ statement: String) throws {
        guard isReadOnly else { return }
        throw RunError(
            .needsOperator, operation: "use", object: "publication \(Identifier(name))",
            message: "it does not cover every captured table, and this capture does not write to the source",
            hint: "run on the primary: \(statement)")
    }
}
