import Foundation
import Postgres
import TestSupport
import Testing

/// Columns that a catalog leaves out are not at the destination: neither those read first, nor those of later changes,
/// nor those that the source adds.
@Suite("the columns that a catalog takes")
struct TakenColumnsTests {
    private func catalog(_ source: ConnectionParameters, _ destination: ConnectionParameters) throws -> URL {
        let file = TestFolder.place("columns.yaml")
        try """
        captures:
          columns/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                          password: none, advanced: { slotName: \(source.database) } }
            bindings:
              - { resource: { namespace: public, stream: closed }, target: columns/closed }
              - { resource: { namespace: public, stream: named }, target: columns/named }
              - { resource: { namespace: public, stream: blocked }, target: columns/blocked }
        collections:
          columns/closed:
            key: [/id]
            schema:
              type: object
              required: [id]
              properties: { id: { type: integer }, name: { type: [string, "null"] } }
              additionalProperties: false
          columns/named:
            key: [/id]
            schema:
              type: object
              required: [id]
              properties: { id: { type: integer }, name: { type: [string, "null"] }, note: { type: [string, "null"] } }
          columns/blocked:
            key: [/id]
            schema:
              allOf: [{ $ref: "flow://inferred-schema" }]
              type: object
              required: [id]
              properties: { id: { type: integer }, secret: { redact: { strategy: block } } }
        materializations:
          columns/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
              - { source: columns/closed, resource: { table: closed } }
              - { source: columns/closed, resource: { table: closed_log, delta_updates: true } }
              - { source: columns/named, resource: { table: named }, fields: { recommended: true, exclude: [note] } }
              - { source: columns/named, resource: { table: keys }, fields: { recommended: 0 } }
              - { source: columns/blocked, resource: { table: blocked } }
              - { source: columns/blocked, resource: { table: blocked_log, delta_updates: true } }
              - source: columns/named
                resource: { table: wider }
                fields: { recommended: false, require: { note: {}, _meta/op: {} } }
        """.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    @Test("may tell a mirrored table's rows apart by groupBy, where the source keeps them unique")
    func grouped() throws {
        let (source, destination) = try TestServers.freshDatabases("groupedby")
        let capturing = try Connection(source)
        try capturing.execute(
            """
            CREATE TABLE public.people (id int PRIMARY KEY, email text NOT NULL UNIQUE, team text NOT NULL, v int);
            ALTER TABLE public.people REPLICA IDENTITY FULL;
            INSERT INTO public.people SELECT i, 'e' || i, 't' || i % 3, 0 FROM generate_series(1, 200) i
            """)
        let file = TestFolder.place("grouped.yaml")
        func write(_ group: String) throws {
            try """
            captures:
              grouped/source:
                endpoint:
                  connector:
                    image: source-postgres:dev
                    config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                              password: none, advanced: { slotName: \(source.database), backfill_chunk_size: 50 } }
                bindings: [ { resource: { namespace: public, stream: people }, target: grouped/people } ]
            collections:
              grouped/people: { key: [/id], projections: { mail: /email } }
            materializations:
              grouped/destination:
                endpoint:
                  connector:
                    image: materialize-postgres:dev
                    config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                              password: none }
                bindings:
                  - { source: grouped/people, resource: { table: people } }
                  - { source: grouped/people, resource: { table: people_log, delta_updates: true },
                      fields: { recommended: true, groupBy: [team] } }
                  - { source: grouped/people, resource: { table: mails }, fields: { recommended: true, groupBy: [\(group)] } }
            """.write(to: file, atomically: true, encoding: .utf8)
        }
        try write("team")
        let refused = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("no unique index keeps the key (team)"), "\(refused.errors)")
        try write("mail")
        #expect(try FlowctlProcess.run(["apply", "--once", file.path]).exitCode == 0)
        try capturing.execute(
            """
            UPDATE public.people SET email = 'moved ' || id, v = 1 WHERE id % 5 = 0; DELETE FROM public.people WHERE id % 7 = 0;
            UPDATE public.people SET id = id + 1000 WHERE id % 4 = 0; UPDATE public.people SET email = 'x' WHERE id = 1;
            UPDATE public.people SET email = 'e1' WHERE id = 2; UPDATE public.people SET email = 'e2' WHERE id = 1
            """)
        let outcome = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let target = try Connection(destination)
        let rows = "string_agg(id || ' ' || MAIL || ' ' || team || ' ' || v, ',' ORDER BY id)"
        let there = try capturing.query("SELECT \(raw: rows.replacing("MAIL", with: "email")) FROM public.people")[0, 0]
        for table in ["people", "mails"] {
            let here = try target.query("SELECT \(raw: rows.replacing("MAIL", with: "mail")) FROM public.\(id: table)")
            #expect(here[0, 0] == there, "\(table)")
        }
        let key = try target.query(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'public.mails'::regclass")
        #expect(key[0, 0]?.hasSuffix("(mail)") == true)
        capturing.close()
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: file)
    }

    @Test("have the names and types that a catalog gives them, as they are read first and through the source's changes")
    func named() throws {
        let (source, destination) = try TestServers.freshDatabases("namedcolumns")
        let capturing = try Connection(source)
        try capturing.execute(
            """
            CREATE TABLE public.items (id int PRIMARY KEY, name text, size int, price numeric, big text);
            INSERT INTO public.items SELECT i, 'n' || i, i, i / 4.0, repeat(md5(i::text), 500) FROM generate_series(1, 9) i
            """)
        let file = TestFolder.place("names.yaml")
        try """
        captures:
          names/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres,
                          password: none, advanced: { slotName: \(source.database) } }
            bindings: [ { resource: { namespace: public, stream: items }, target: names/items } ]
        collections:
          names/items: { key: [/id], projections: { number: /id, title: /name, weight: /size, text: /big } }
        materializations:
          names/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
              - source: names/items
                resource: { table: items }
                fields: { recommended: true, require: { weight: { castToString: true }, price: { DDL: "numeric(20,6)" } } }
              - source: names/items
                resource: { table: log, delta_updates: true }
                fields: { recommended: true, require: { name: {} }, exclude: [text] }
        """.write(to: file, atomically: true, encoding: .utf8)
        let first = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(first.exitCode == 0, "\(first.errors)")
        try capturing.execute(
            """
            UPDATE public.items SET price = 7.5 WHERE id = 1; DELETE FROM public.items WHERE id = 2;
            UPDATE public.items SET id = 33 WHERE id = 3; ALTER TABLE public.items RENAME COLUMN price TO cost;
            ALTER TABLE public.items RENAME COLUMN cost TO price; ALTER TABLE public.items ADD COLUMN extra int DEFAULT 4;
            INSERT INTO public.items VALUES (10, 'n10', NULL, 2.5, NULL, 5)
            """)
        let second = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(second.exitCode == 0, "\(second.errors)")
        let stored = try Connection(destination)
        #expect(
            try stored.query(
                """
                SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                  FROM pg_attribute WHERE attrelid = 'public.items'::regclass AND attnum > 0
                """)[0, 0] == "number integer, title text, weight text, price numeric(20,6), text text, extra integer")
        let there = try stored.query(
            """
            SELECT md5(string_agg(ROW(number, title, weight, price::float8, text, extra)::text, ',' ORDER BY number))
              FROM public.items
            """)[0, 0]
        let here = try capturing.query(
            """
            SELECT md5(string_agg(ROW(id, name, size, price::float8, big, extra)::text, ',' ORDER BY id))
              FROM public.items
            """)[0, 0]
        #expect(there == here)
        #expect(
            try stored.query(
                "SELECT string_agg(\"_meta/op\" || number || coalesce(name, ''), ',' ORDER BY \"_meta/source/lsn\", \"_meta/source/seq\") FROM public.log WHERE \"_meta/op\" <> 'r'"
            )[0, 0]?.contains("u1n1,d2") == true)
        capturing.close()
        stored.close()
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: file)
    }

    @Test("are those of the schema and the selection, before and after the source's table changes")
    func taken() throws {
        let (source, destination) = try TestServers.freshDatabases("takencolumns")
        let capturing = try Connection(source)
        for table in ["closed", "named", "blocked"] {
            try capturing.execute(
                """
                CREATE TABLE public.\(raw: table) (secret text NOT NULL, id int PRIMARY KEY, note text, name text);
                INSERT INTO public.\(raw: table) VALUES ('s1', 1, 'n1', 'a')
                """)
        }
        let file = try catalog(source, destination)
        let first = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(first.exitCode == 0, "\(first.errors)")
        for table in ["closed", "named", "blocked"] {
            try capturing.execute(
                """
                INSERT INTO public.\(raw: table) VALUES ('s2', 2, 'n2', 'b');
                ALTER TABLE public.\(raw: table) ADD COLUMN token text DEFAULT 't';
                UPDATE public.\(raw: table) SET token = 'u', name = 'c', secret = 's3' WHERE id = 1
                """)
        }
        let second = try FlowctlProcess.run(["apply", "--once", file.path])
        #expect(second.exitCode == 0, "\(second.errors)")

        let stored = try Connection(destination)
        func rows(_ table: String) throws -> String? {
            try stored.query("SELECT json_agg(t ORDER BY id)::text FROM public.\(Identifier(table)) t")[0, 0]
        }
        #expect(try rows("closed") == "[{\"id\":1,\"name\":\"c\"}, \n {\"id\":2,\"name\":\"b\"}]")
        #expect(try rows("named") == "[{\"id\":1,\"name\":\"c\"}, \n {\"id\":2,\"name\":\"b\"}]")
        let token = "\"note\":\"n1\",\"name\":\"c\",\"token\":\"u\""
        #expect(
            try rows("blocked")
                == "[{\"id\":1,\(token)}, \n {\"id\":2,\"note\":\"n2\",\"name\":\"b\",\"token\":\"t\"}]")
        let open = try #require(try rows("blocked_log"))
        #expect(!["s1", "s2", "s3"].contains(where: open.contains) && open.contains("\"token\":\"u\""))
        #expect(try rows("keys") == "[{\"id\":1}, \n {\"id\":2}]")
        #expect(
            try rows("wider")
                == "[{\"id\":1,\"note\":\"n1\",\"_meta/op\":\"u\"}, \n {\"id\":2,\"note\":\"n2\",\"_meta/op\":\"c\"}]")
        let log = try #require(try rows("closed_log"))
        #expect(!log.contains("s1") && !log.contains("n1") && !log.contains("token") && log.contains("\"name\":\"c\""))
        capturing.close()
        stored.close()
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: file)
    }
}
