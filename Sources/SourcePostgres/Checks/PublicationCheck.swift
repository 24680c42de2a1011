import Connectors
import Postgres

/// Whether the publication shows everything of the captured tables, or can be made to.
struct PublicationCheck {
    let checking: SourceChecking
    let side: SideTableCheck.Found

    private var name: Identifier { Identifier(checking.config.publication) }
    private var isReadOnly: Bool { checking.config.isReadOnly || checking.server.isStandby }

    private struct Wanted {
        var table: QualifiedName
        /// As the publication's statements name it.
        var published: String
        /// Who makes it before, where it isn't there yet.
        var maker = Maker.nobody

        enum Maker { case nobody, role, somebodyElse }
    }

    /// Side tables must be in it too; those that are not there yet are told with all others.
    func run(_ tables: [TableSource]) throws {
        let rows = try checking.connection.query(
            """
            SELECT puballtables,
                   pubinsert AND pubupdate AND pubdelete AND coalesce(to_jsonb(p) ->> 'pubtruncate', 'true') = 'true',
                   to_jsonb(p) ->> 'pubviaroot'
              FROM pg_publication p WHERE pubname = \(literal: checking.config.publication)
            """)
        var wanted = tables.map { Wanted(table: $0.name, published: $0.published) }
        for (found, maker) in [(side.present, Wanted.Maker.nobody), (side.own, .role), (side.others, .somebodyElse)] {
            wanted += found.filter(\.isPublished).map {
                Wanted(table: $0.name, published: $0.name.quoted, maker: maker)
            }
        }
        guard rows.count > 0 else { return try checkCreation(wanted) }
        if rows[0, 1] != "t" {
            checking.add(
                .unmet, checking.publication, "it leaves out a kind of change",
                .sql("ALTER PUBLICATION \(name) SET (publish = 'insert, update, delete, truncate');"))
        }
        // A partitioned table is not listed as long as the changes of its partitions have their own names.
        var hidden: Set<UInt32> = []
        if tables.contains(where: \.isPartitioned), rows[0, 2] != "true" {
            let catalog = TableCatalog(connection: checking.connection)
            hidden = Set(try catalog.memberships(of: tables, in: checking.config.publication).keys)
            checking.add(
                .unmet, checking.publication, "it shows the changes of partitions under their own names",
                .sql("ALTER PUBLICATION \(name) SET (publish_via_partition_root = true);"))
        }
        if checking.config.capturesPartitions, rows[0, 2] == "true" {
            checking.add(
                .unmet, checking.publication,
                "it shows the changes of partitions under the name of the partitioned table, and "
                    + "advanced.capture_as_partitions wants their own",
                .sql("ALTER PUBLICATION \(name) SET (publish_via_partition_root = false);"))
        }
        let published = try PublicationReading.narrowings(checking.config.publication, checking.connection)
        let schemas = rows[0, 0] == "t" ? [] : try publishedSchemas()
        for one in wanted where (published[one.table] ?? nil) != nil {
            checking.add(
                .unmet, checking.publication, "its row filter or column list leaves out a part of \(one.table)",
                .sql(
                    "ALTER PUBLICATION \(name) DROP TABLE \(one.published); "
                        + "ALTER PUBLICATION \(name) ADD TABLE \(one.published);"))
        }
        let hiddenNames = tables.filter { $0.isPartitioned && hidden.contains($0.oid) }.map(\.name)
        let missing = wanted.filter { wanted in
            published[wanted.table] == nil && !hiddenNames.contains(wanted.table)
                // What is made where everything is published needs no statement.
                && !(wanted.maker != .nobody && (rows[0, 0] == "t" || schemas.contains(wanted.table.schema)))
        }
        if !missing.isEmpty { try checkAddition(missing) }
    }

    private func checkCreation(_ tables: [Wanted]) throws {
        guard !tables.isEmpty else { return }
        let via =
            checking.server.version >= 130_000
            ? " WITH (publish_via_partition_root = \(!checking.config.capturesPartitions))" : ""
        let create = "CREATE PUBLICATION \(name) FOR TABLE \(list(tables))\(via);"
        try tryOut(create, tables, whenRefused: "there is none, and the role may not make it")
    }

    private func checkAddition(_ missing: [Wanted]) throws {
        let addition = "ALTER PUBLICATION \(name) ADD TABLE \(list(missing));"
        try tryOut(addition, missing, whenRefused: "it lacks \(list(missing)), and the role may not add it")
    }

    /// A table that somebody else makes is somebody else's, and only an owner publishes.
    private func tryOut(_ statement: String, _ tables: [Wanted], whenRefused message: String) throws {
        if tables.contains(where: { $0.maker == .somebodyElse }) {
            checking.add(.unmet, checking.publication, message, .sql(makingFirst(tables) + statement), isOfRole: true)
            return
        }
        if isReadOnly {
            checking.add(
                .unmet, checking.publication, "\(message): this capture writes nothing to the source", .sql(statement))
            return
        }
        let own = side.own.filter { table in tables.contains { $0.table == table.name } }
        let refused = try checking.refusal {
            for table in own { try checking.connection.execute("\(raw: table.create)") }
            try checking.connection.execute("\(raw: statement)")
        }
        guard let refused else { return }
        if refused.sqlState == "55P03" {
            checking.add(.advice, checking.publication, "a lock kept the check from trying: \(statement)")
        } else {
            checking.add(
                .unmet, checking.publication, "\(message) (\(refused.message))", .sql(makingFirst(tables) + statement),
                isOfRole: true)
        }
    }

    /// Whoever may publish a table makes those before that the role would make in a run.
    private func makingFirst(_ tables: [Wanted]) -> String {
        side.own.filter { table in tables.contains { $0.table == table.name } }
            .map { SideTableCheck(checking: checking).making($0) + " " }.joined()
    }

    /// Schemas of which it shows every table (15 and later).
    private func publishedSchemas() throws -> Set<Identifier> {
        guard checking.server.version >= 150_000 else { return [] }
        let rows = try checking.connection.query(
            """
            SELECT n.nspname FROM pg_publication_namespace m JOIN pg_publication p ON p.oid = m.pnpubid
              JOIN pg_namespace n ON n.oid = m.pnnspid WHERE p.pubname = $1
            """, [checking.config.publication])
        return Set((0..<rows.count).compactMap { rows[$0, 0].map { Identifier($0) } })
    }

    private func list(_ tables: [Wanted]) -> String { tables.map(\.published).joined(separator: ", ") }
}
