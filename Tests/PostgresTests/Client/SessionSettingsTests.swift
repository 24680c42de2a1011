import Postgres
import TestSupport
import Testing

@Suite("values look the same whatever the role's and the database's settings are") struct SessionSettingsTests {
    @Test("a hostile role changes no value's text, no name's meaning and no statement's time")
    func hostileRole() throws {
        let database = try TestServer.source.database("settings")
        let admin = try Connection(database)
        let role = "hostile_\(database.database)"
        try admin.execute("CREATE ROLE \(id: role) LOGIN SUPERUSER")
        defer { try? admin.execute("DROP OWNED BY \(id: role); DROP ROLE \(id: role)") }
        let values: SQL = """
            SELECT timestamptz '2024-02-03 04:05:06.789+00', date '2024-02-03', interval '1 year 2 days 03:04:05',
                0.1::float8 + 0.2::float8, 1.1::float4, '\\x00ff5c'::bytea, 1234.5::numeric::money, current_schemas(false),
                'a\\b', '<a/>b'::xml, ('{NULL}'::text[])[1] IS NULL, quote_ident('plain'),
                current_setting('transaction_isolation'), current_setting('idle_session_timeout'),
                current_setting('idle_in_transaction_session_timeout')
            """
        let expected = try admin.query(values)
        let settings = [
            ("DateStyle", "German, DMY"), ("IntervalStyle", "iso_8601"), ("TimeZone", "Asia/Kathmandu"),
            ("extra_float_digits", "-10"), ("bytea_output", "escape"), ("lc_monetary", "C.UTF-8"),
            ("standard_conforming_strings", "off"), ("search_path", "public"), ("statement_timeout", "200ms"),
            ("lock_timeout", "1ms"), ("array_nulls", "off"), ("quote_all_identifiers", "on"),
            ("default_transaction_isolation", "serializable"), ("idle_session_timeout", "50s"),
            ("idle_in_transaction_session_timeout", "50s"), ("xmloption", "document"), ("client_encoding", "LATIN1"),
        ]
        for (name, value) in settings {
            try admin.execute("ALTER ROLE \(id: role) SET \(id: name) = \(literal: value)")
            try admin.execute("ALTER DATABASE \(id: database.database) SET \(id: name) = \(literal: value)")
        }
        var parameters = database
        parameters.user = role
        for connection in [try Connection(parameters), try Connection(replicationConnectionTo: parameters)] {
            let found = try connection.query(values)
            #expect(found.columns == 15)
            for column in 0..<found.columns { #expect(found[0, column] == expected[0, column]) }
            #expect(found[0, 0] == "2024-02-03 04:05:06.789+00")
            #expect(found[0, 3] == "0.30000000000000004")
            #expect(found[0, 5] == "\\x00ff5c")
            #expect(try connection.query("SELECT '漢'")[0, 0] == "漢")
            #expect(try connection.query("SELECT pg_sleep(0.4), 'awake'")[0, 1] == "awake")
        }
    }
}
