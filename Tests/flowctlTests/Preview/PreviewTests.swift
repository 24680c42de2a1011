import Connectors
import Foundation
import JSON
import JSONSchema
import Postgres
import SourcePostgres
import TestSupport
import Testing

@Suite("flowctl preview")
struct PreviewTests {
    /// A database with a publication of all its tables, and a catalog of a capture as discovery would write it.
    private final class Source {
        let database: ConnectionParameters
        let connection: Connection
        let file = TestFolder.place("preview.json")
        var schemas: [String: CompiledSchema] = [:]

        init(_ name: String) throws {
            database = try TestServer.source.database(name)
            connection = try Connection(database)
            try connection.execute("CREATE PUBLICATION flow_publication FOR ALL TABLES")
        }

        deinit {
            try? FileManager.default.removeItem(at: file)
            try? TestServers.drop(database)
        }

        func discover(advanced: JSONValue = [:], blocking column: String? = nil) throws {
            var bindings: [JSONValue] = []
            var collections = JSONObject()
            let found = try PostgresDiscovery(connection: database).discover(TableSelection())
            for table in found.tables where table.obstacle == nil {
                var resource = table.resource
                resource["namespace"] = .string(table.namespace)
                resource["stream"] = .string(table.stream)
                let collection = "p/t\(bindings.count)"
                bindings.append(["resource": .object(resource), "target": .string(collection)])
                var schema = table.schema ?? ["type": "object"]
                schemas["\(table.namespace).\(table.stream)"] = try SchemaCompiler(.flow).compile(schema)
                if let column, case .object(var object) = schema, var properties = object["properties"]?.objectValue {
                    properties[column] = ["redact": ["strategy": "block"]]
                    object["properties"] = .object(properties)
                    schema = .object(object)
                }
                collections[collection] = ["key": .array(table.key.map { .string($0) }), "schema": schema]
            }
            let config: JSONValue = [
                "address": .string("127.0.0.1:\(database.port)"), "database": .string(database.database),
                "user": "postgres", "password": "none", "advanced": advanced,
            ]
            let catalog: JSONValue = [
                "collections": .object(collections),
                "captures": [
                    "p/source": [
                        "endpoint": ["connector": ["image": "source-postgres:dev", "config": config]],
                        "bindings": .array(bindings),
                    ]
                ],
            ]
            try JSONWriter.write(catalog).write(to: file, atomically: true, encoding: .utf8)
        }

        func slots() throws -> String {
            try connection.query("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'flow_preview_%'")[
                0, 0]
                ?? ""
        }

        static func documents(_ lines: [String]) throws -> [JSONValue] {
            try lines.map { line in try #require(try JSONValue(parsing: line).arrayValue?.last) }
        }
    }

    private static func text(_ document: JSONValue, _ path: String...) -> String {
        let value = path.reduce(Optional(document)) { $0?[$1] }
        return value.map { JSONWriter.write($0) } ?? "absent"
    }

    @Test(
        "every value of every type is valid by the schema that discovery writes, copied and streamed alike",
        .timeLimit(.minutes(10)))
    func types() throws {
        let source = try Source("previewzoo")
        let connection = source.connection
        try connection.execute("\(raw: TypeZoo.types)")
        for name in TypeZoo.extensions { try connection.execute("CREATE EXTENSION \(id: name) SCHEMA zoo") }
        var rows = 0
        for (number, species) in TypeZoo.all.enumerated() {
            let isArray = species.type.hasSuffix("[]")
            let array = isArray ? "integer[]" : "\(species.type)[]"
            let values = species.values.enumerated().map { row, value in
                let text = "\(SQL.literal(value))::\(species.type)"
                return "(\(row), \(text), \(isArray ? "NULL" : "ARRAY[\(text), \(text)]"))"
            }
            try connection.execute(
                """
                CREATE TABLE zoo.t\(number) (id int PRIMARY KEY, v \(raw: species.type), a \(raw: array));
                INSERT INTO zoo.t\(number) VALUES \(raw: values.joined(separator: ", "))
                """)
            rows += species.values.count
        }
        try source.discover()
        let preview = try FlowctlProcess(["preview", "--limit", String(2 * rows), source.file.path])
        #expect(eventually(seconds: 60) { preview.lines.count >= rows || !preview.isRunning })
        try #require(preview.isRunning, "\(preview.errors)")
        let copies = TypeZoo.all.indices.map { "INSERT INTO zoo.t\($0) SELECT id + 1000, v, a FROM zoo.t\($0);" }
        try connection.execute("BEGIN; \(raw: copies.joined(separator: " ")) COMMIT")
        #expect(preview.waitForExit(seconds: 60) == 0, "\(preview.errors)")

        let documents = try Source.documents(preview.lines)
        try #require(documents.count == 2 * rows)
        for document in documents {
            let table = document["_meta"]?["source"]?["table"]?.stringValue ?? ""
            let failures = try #require(source.schemas["zoo.\(table)"]).validate(document)
            #expect(failures.isEmpty, "\(table): \(failures) in \(JSONWriter.write(document).prefix(300))")
        }
        func values(_ documents: ArraySlice<JSONValue>) -> [String: String] {
            let pairs = documents.map { document in
                let row = (document["id"]?.intValue ?? -1) % 1000
                return (
                    Self.text(document, "_meta", "source", "table") + "/\(row)",
                    Self.text(document, "v") + Self.text(document, "a")
                )
            }
            return Dictionary(pairs) { first, _ in first }
        }
        let copied = values(documents[..<rows])
        #expect(copied.count == rows && copied == values(documents[rows...]))
        #expect(try eventually(seconds: 60) { try source.slots() == "0" })
    }

    @Test("documents say what happened, where, and what was there before", .timeLimit(.minutes(10)))
    func shape() throws {
        let source = try Source("previewshape")
        let connection = source.connection
        try connection.execute(
            """
            CREATE TABLE public.rows (id int PRIMARY KEY, big text, secret text, n numeric(6,2), b bytea, j json,
              at timestamptz);
            ALTER TABLE public.rows ALTER big SET STORAGE EXTERNAL;
            CREATE TABLE public.whole (id int, v text); ALTER TABLE public.whole REPLICA IDENTITY FULL;
            INSERT INTO public.rows VALUES (1, repeat('x', 9000), 'hunter2', 1.50, '\\xfbff00',
              '{"b": 1.10, "a": [1e400, "\\ud800"]}', '2024-05-06 07:08:09.5+02');
            INSERT INTO public.whole VALUES (1, NULL)
            """)
        try source.discover(advanced: ["binaryHandling": "base64-url-safe"], blocking: "secret")
        let preview = try FlowctlProcess(["preview", "--capture", "p/source", source.file.path])
        #expect(eventually(seconds: 60) { preview.lines.count >= 2 || !preview.isRunning })
        try connection.execute("UPDATE public.rows SET n = 2 WHERE id = 1")
        try connection.execute("UPDATE public.rows SET id = 7 WHERE id = 1")
        try connection.execute("DELETE FROM public.rows WHERE id = 7")
        try connection.execute(
            """
            BEGIN; INSERT INTO public.whole VALUES (2, 'a'), (3, 'b'); UPDATE public.whole SET v = 'c' WHERE id = 2;
            DELETE FROM public.whole WHERE id = 3; COMMIT
            """)
        try connection.execute("TRUNCATE public.whole")
        #expect(eventually(seconds: 60) { preview.lines.count >= 9 || !preview.isRunning })
        #expect(eventually(seconds: 60) { preview.errors.contains("public.whole was truncated") })
        #expect(try source.slots() == "1")
        preview.kill9()
        #expect(try eventually(seconds: 60) { try source.slots() == "0" })

        #expect(!preview.output.contains("hunter2") && !preview.output.contains("secret"))
        let all = try Source.documents(preview.lines)
        try #require(all.count == 9, "\(preview.lines) \(preview.errors)")
        #expect(
            Self.text(all[0], "_meta")
                == #"{"op":"c","source":{"schema":"public","table":"rows","snapshot":true,"loc":[-1,0,0]}}"#)
        #expect(Self.text(all[0], "n") == #""1.50""#)
        #expect(Self.text(all[0], "b") == #""-_8A""#)
        #expect(Self.text(all[0], "at") == #""2024-05-06T05:08:09.5Z""#)
        #expect(Self.text(all[0], "j") == "{\"b\":1.10,\"a\":[1e400,\"\u{FFFD}\"]}")

        #expect(
            all[2...].map { Self.text($0, "_meta", "op") } == ["u", "u", "d", "c", "c", "u", "d"].map { "\"\($0)\"" })
        // Left out by the log: absent, not null.
        #expect(Self.text(all[2], "big") == "absent" && Self.text(all[2], "n") == #""2.00""#)
        #expect(Self.text(all[2], "_meta", "before") == "absent")
        #expect(Self.text(all[3], "id") == "7" && Self.text(all[3], "_meta", "before") == #"{"id":1}"#)
        #expect(all[4].objectValue?.members.map(\.key) == ["id", "_meta"])
        #expect(Self.text(all[7], "_meta", "before") == #"{"id":2,"v":"a"}"#)
        #expect(Self.text(all[8], "v") == #""b""#)
        #expect(all[5...].allSatisfy { $0["_meta"]?["source"]?["txid"] == all[5]["_meta"]?["source"]?["txid"] })

        let places = all[2...].compactMap { $0["_meta"]?["source"]?["loc"]?.arrayValue?.compactMap(\.intValue) }
        #expect(places.allSatisfy { $0.count == 3 && $0[0] <= $0[1] && $0[1] <= $0[2] }, "\(places)")
        #expect(zip(places, places.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }, "\(places)")
        let time = all[2]["_meta"]?["source"]?["ts_ms"]?.intValue ?? 0
        #expect(abs(Double(time) / 1000 - Date().timeIntervalSince1970) < 600)
    }

    @Test("shows the rows of tables that nobody publishes yet, ends in time, and makes nothing")
    func unpublished() throws {
        let source = try Source("previewnew")
        try source.connection.execute(
            """
            CREATE TABLE public.notes (id int PRIMARY KEY); INSERT INTO public.notes SELECT generate_series(1, 1000);
            DROP PUBLICATION flow_publication
            """)
        try source.discover()
        let all = try FlowctlProcess.run(["preview", source.file.path])
        #expect(all.exitCode == 0 && all.output.split(separator: "\n").count == 1000, "\(all.errors)")
        #expect(all.errors.contains("publication \"flow_publication\" is not there yet"))
        let few = try FlowctlProcess.run(["preview", "--limit", "3", source.file.path])
        #expect(few.exitCode == 0 && few.output.split(separator: "\n").count == 3)
        try source.connection.execute("CREATE PUBLICATION flow_publication FOR ALL TABLES")
        let timed = try FlowctlProcess.run(["preview", "--timeout", "10", source.file.path])
        #expect(timed.exitCode == 0 && timed.output.split(separator: "\n").count == 1000, "\(timed.errors)")
        let wrong = try FlowctlProcess.run(["preview", "--capture", "p/sauce", source.file.path])
        #expect(wrong.exitCode == 64 && wrong.errors.contains("p/source"))
        #expect(try eventually(seconds: 60) { try source.slots() == "0" })
    }
}
