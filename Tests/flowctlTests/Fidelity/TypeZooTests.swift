import Postgres
import TestSupport
import Testing

/// Every type through the backfill, through small sets of streamed changes and through large ones, with sessions at both
/// ends whose role has the settings that hurt most.
@Suite("the type zoo", .serialized)
struct TypeZooTests {
    private static let hostile = [
        ("DateStyle", "'SQL, DMY'"), ("IntervalStyle", "'sql_standard'"), ("TimeZone", "'Asia/Kathmandu'"),
        ("extra_float_digits", "-15"), ("bytea_output", "'escape'"), ("array_nulls", "off"),
        ("quote_all_identifiers", "on"), ("search_path", "zoo, public"), ("statement_timeout", "100"),
        ("lock_timeout", "1"), ("default_transaction_read_only", "on"),
        ("default_transaction_isolation", "serializable"),
        ("default_transaction_deferrable", "on"), ("xmloption", "document"), ("standard_conforming_strings", "off"),
        ("backslash_quote", "off"), ("client_encoding", "'LATIN1'"), ("row_security", "on"),
        ("transform_null_equals", "on"), ("xmlbinary", "hex"), ("idle_in_transaction_session_timeout", "1"),
        ("lo_compat_privileges", "on"), ("geqo", "off"), ("intervalstyle", "'iso_8601'"), ("jit", "on"),
    ]

    @Test("every value of every type arrives byte for byte, whatever the roles' settings", .timeLimit(.minutes(10)))
    func everyType() throws {
        let pair = try TestServers.freshDatabases("zoo")
        let role = "zoo_\(pair.source.database)"
        var ends = [pair.source, pair.destination]
        for index in ends.indices {
            let connection = try Connection(ends[index])
            try connection.execute("CREATE ROLE \(id: role) SUPERUSER LOGIN")
            for (name, value) in TypeZooTests.hostile {
                try connection.execute("ALTER ROLE \(id: role) SET \(raw: name) = \(raw: value)")
                try connection.execute("ALTER DATABASE \(id: ends[index].database) SET \(raw: name) = \(raw: value)")
            }
            ends[index].user = role
        }
        // Chunks of few rows: a key's order is asked for over and over.
        let pipeline = try PipelineFolder(
            ends[0], ends[1], slot: pair.source.database, advanced: ["backfill_chunk_size": 3])
        let source = try Connection(pair.source)
        try source.execute("\(raw: TypeZoo.types)")
        for name in TypeZoo.extensions { try source.execute("CREATE EXTENSION \(id: name) SCHEMA zoo") }
        var tables = try fill(source)
        #expect(tables.count > TypeZoo.all.count)

        for round in 0..<4 {
            if round == 1 || round == 2 { try change(tables, copies: round == 1 ? 2 : 40, round, source) }
            // Read again over what is there: the destination's keys are looked for at the source.
            if round == 3 {
                for index in tables.indices where tables[index].key == ["v"] { tables[index].readAgain = 1 }
            }
            let outcome = try pipeline.apply(tables)
            try #require(outcome.exitCode == 0, "\(outcome.errors)\n\(outcome.output.suffix(2000))")
            let names = tables.map { "zoo.\($0.name)" }
            let differences = try pipeline.differences(names.map { ($0, $0) })
            #expect(differences.isEmpty, "round \(round): \(differences.joined(separator: "\n"))")
        }
    }

    /// For every type a table with values and arrays of them, and one whose key they are where they can be.
    private func fill(_ source: Connection) throws -> [PipelineFolder.Table] {
        var tables: [PipelineFolder.Table] = []
        for (number, species) in TypeZoo.all.enumerated() {
            let isArray = species.type.hasSuffix("[]")
            let array = isArray ? "integer[]" : "\(species.type)[]"
            try source.execute(
                "CREATE TABLE zoo.t\(raw: "\(number)") (id int PRIMARY KEY, v \(raw: species.type), a \(raw: array))")
            for (row, value) in species.values.enumerated() {
                let text = "\(SQL.literal(value))::\(species.type)"
                do {
                    try source.execute(
                        """
                        INSERT INTO zoo.t\(raw: "\(number)") VALUES (\(raw: "\(row)"), \(raw: text),
                          \(raw: isArray ? "NULL" : "ARRAY[\(text), \(text)]"))
                        """)
                } catch {
                    Issue.record("\(species.type) has no value \(value.prefix(60)): \(error)")
                }
            }
            tables.append(.init(schema: "zoo", name: "t\(number)", key: ["id"]))
            // An array of boxes can be an index's column, but no two of them be compared.
            if species.type == "box[]" { continue }
            do {
                try source.execute("CREATE TABLE zoo.k\(raw: "\(number)") (v \(raw: species.type) PRIMARY KEY, n int)")
            } catch let error as PostgresError where error.sqlState == "42704" {
                continue
            }
            try source.execute(
                """
                INSERT INTO zoo.k\(raw: "\(number)") SELECT v, id FROM zoo.t\(raw: "\(number)")
                 WHERE octet_length(v::text) < 2000 ORDER BY id ON CONFLICT DO NOTHING
                """)
            tables.append(.init(schema: "zoo", name: "k\(number)", key: ["v"]))
        }
        return tables
    }

    private func change(_ tables: [PipelineFolder.Table], copies: Int, _ round: Int, _ source: Connection) throws {
        try source.execute("BEGIN")
        for table in tables {
            let name: SQL = "zoo.\(id: table.name)"
            if table.key == ["v"] {
                try source.execute("UPDATE \(name) SET n = n + 1000")
                if round == 1 {
                    try source.execute(
                        """
                        CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT * FROM \(name) WHERE n % 2 = 0;
                        DELETE FROM \(name) WHERE n % 2 = 0; INSERT INTO \(name) SELECT v, n + 1 FROM gone; DROP TABLE gone
                        """)
                }
            } else {
                try source.execute(
                    """
                    INSERT INTO \(name) SELECT id + \(raw: "\(round)") * 1000000 + g * 1000, v, a FROM \(name) t,
                      generate_series(1, \(raw: "\(copies)")) g WHERE id < 1000 AND pg_column_size(t) < 2000;
                    INSERT INTO \(name) SELECT id + \(raw: "\(round)") * 1000000, v, a FROM \(name) t
                     WHERE id < 1000 AND pg_column_size(t) >= 2000;
                    UPDATE \(name) SET v = o.v FROM \(name) o WHERE o.id = 0 AND \(name).id = 1
                    """)
            }
        }
        try source.execute("COMMIT")
    }
}
