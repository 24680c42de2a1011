import Connectors
import Postgres

/// Whether the publication shows everything of the captured tables, or can be made to.
struct PublicationCheck {
    let checking: SourceChecking

    private var name: Identifier { Identifier(checking.config.publication) }
    private var isReadOnly: Bool { checking.config.isReadOnly || checking.server.isStandby }

    private struct Wanted {
        var table: QualifiedName
        /// As the publication's statements name it.
        var published: String
    }

    /// Side tables that are there already must be in it too.
    func run(_ tables: [TableSource]) throws {
        let rows = try checking.connection.query(
            """
            SELECT puballtables,
                   pubinsert AND pubupdate AND pubdelete AND coalesce(to_jsonb(p) ->> 'pubtruncate', 'true') = 'true',
                   to_jsonb(p) ->> 'pubviaroot'
              FROM pg_publication p WHERE pubname = \(literal: checking.config.publication)
            """)
        let side = try SideTableCheck(checking: checking).present().filter(\.isPublished).map(\.name)
        let wanted =
            tables.map { Wanted(table: $0.name, published: $0.published) }
            + side.map { Wanted(table: $0, published: $0.quoted) }
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
        for one in wanted where (published[one.table] ?? nil) != nil {
            checking.add(
                .unmet, checking.publication, "its row filter or column list leaves out a part of \(one.table)",
                .sql(
                    "ALTER PUBLICATION \(name) DROP TABLE \(one.published); "
                        + "ALTER PUBLICATION \(name) ADD TABLE \(one.published);"))
        }
        let hiddenNames = tables.filter { $0.isPartitioned && hidden.contains($0.oid) }.map(\.name)
        let missing = wanted.filter { published[$0.table] == nil && !hiddenNames.contains($0.table) }
        if !missing.isEmpty { try checkAddition(missing) }
    }

    private func checkCreation(_ tables: [Wanted]) throws {
        guard !tables.isEmpty else { return }
        let via =
            checking.server.version >= 130_000
            ? " WITH (publish_via_partition_root = \(!checking.config.capturesPartitions))" : ""
        let create = "CREATE PUBLICATION \(name) FOR TABLE \(list(tables))\(via);"
        try tryOut(create, whenRefused: "there is none, and the role may not make it")
    }

    private func checkAddition(_ missing: [Wanted]) throws {
        let addition = "ALTER PUBLICATION \(name) ADD TABLE \(list(missing));"
        try tryOut(addition, whenRefused: "it lacks \(list(missing)), and the role may not add it")
    }

    private func tryOut(_ statement: String, whenRefused message: String) throws {
        if isReadOnly {
            checking.add(
                .unmet, checking.publication, "\(message): this capture writes nothing to the source", .sql(statement))
            return
        }
        guard let refused = try checking.refusal({ try checking.connection.execute("\(raw: statement)") }) else {
            return
        }
        if refused.sqlState == "55P03" {
            checking.add(.advice, checking.publication, "a lock kept the check from trying: \(statement)")
        } else {
            checking.add(
                .unmet, checking.publication, "\(message) (\(refused.message))", .sql(statement), isOfRole: true)
        }
    }

    private func list(_ tables: [Wanted]) -> String { tables.map(\.published).joined(separator: ", ") }
}
