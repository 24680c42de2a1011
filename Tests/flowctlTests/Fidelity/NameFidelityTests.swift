import Foundation
import Postgres
import TestSupport
import Testing

/// What Swift takes for the same text, and the servers for two.
@Suite("names and labels by their bytes", .serialized)
struct NameFidelityTests {
    @Test("columns and tables whose names differ only in how an accent is written stay apart", .timeLimit(.minutes(10)))
    func accents() throws {
        let pair = try TestServers.freshDatabases("accents")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let source = try Connection(pair.source)
        let names = ["t\u{e9}", "te\u{301}"]
        for (number, name) in names.enumerated() {
            try source.execute(
                """
                CREATE TABLE public.\(id: name) ("\u{e9}" int, id int, "e\u{301}" int, PRIMARY KEY (id, "\u{e9}"));
                INSERT INTO public.\(id: name) SELECT g, g, -g * \(raw: "\(number + 1)") FROM generate_series(1, 20) g
                """)
        }
        let tables = names.map { PipelineFolder.Table(schema: "public", name: $0, key: ["id", "\u{e9}"]) }
        let quoted = names.map { (QualifiedName("public", $0).quoted, QualifiedName("public", $0).quoted) }
        func applyAndCompare() throws {
            let outcome = try pipeline.apply(tables)
            try #require(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(try pipeline.differences(quoted) == [])
        }
        try applyAndCompare()
        for (number, name) in names.enumerated() {
            try source.execute(
                """
                UPDATE public.\(id: name) SET "e\u{301}" = 1000 + \(raw: "\(number)") WHERE id < 5;
                UPDATE public.\(id: name) SET "\u{e9}" = 2000 + \(raw: "\(number)") WHERE id = 6;
                DELETE FROM public.\(id: name) WHERE id = 7 + \(raw: "\(number)")
                """)
        }
        try applyAndCompare()
        try source.execute(
            """
            ALTER TABLE public.\(id: names[0]) RENAME "e\u{301}" TO x; ALTER TABLE public.\(id: names[0]) ADD "e\u{301}" text;
            INSERT INTO public.\(id: names[0]) VALUES (1, 99, 2, 'new')
            """)
        try applyAndCompare()
    }

    @Test(
        "a label that was renamed at the source stops the start with the statement that renames it at the destination")
    func labels() throws {
        let pair = try TestServers.freshDatabases("labels")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TYPE public.mood AS ENUM ('a', '\u{e9}'); CREATE TABLE public.m (id int PRIMARY KEY, m public.mood);
            INSERT INTO public.m VALUES (1, 'a'), (2, '\u{e9}')
            """)
        let table = PipelineFolder.Table(schema: "public", name: "m", key: ["id"])
        let first = try pipeline.apply([table])
        try #require(first.exitCode == 0, "\(first.errors)")
        try source.execute("ALTER TYPE public.mood RENAME VALUE '\u{e9}' TO 'e\u{301}'")
        try source.execute("INSERT INTO public.m VALUES (3, 'e\u{301}')")
        let remedy = "ALTER TYPE \"public\".\"mood\" RENAME VALUE '\u{e9}' TO 'e\u{301}';"
        let stopped = try pipeline.apply([table])
        #expect(stopped.exitCode == 69, "\(stopped.errors)")
        let said = stopped.errors.replacingOccurrences(of: "\\\"", with: "\"")
        #expect(said.utf8.firstRange(of: remedy.utf8) != nil, "\(stopped.errors)")
        try Connection(pair.destination).execute("\(raw: remedy)")
        let last = try pipeline.apply([table])
        #expect(last.exitCode == 0, "\(last.errors)")
        #expect(try pipeline.differences([("public.m", "public.m")]) == [])
    }

    @Test("a destination of another encoding is named as the run begins, and by the row that it can't take")
    func encodings() throws {
        let pair = try TestServers.freshDatabases("encodings")
        var other = pair.destination
        other.database = "postgres"
        try Connection(other).execute("DROP DATABASE \(id: pair.destination.database) WITH (FORCE)")
        try Connection(other).execute(
            """
            CREATE DATABASE \(id: pair.destination.database) ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let source = try Connection(pair.source)
        try source.execute(
            "CREATE TABLE public.e (id int PRIMARY KEY, v text); INSERT INTO public.e VALUES (1, '\u{e9}')")
        let table = PipelineFolder.Table(schema: "public", name: "e", key: ["id"])
        let first = try pipeline.apply([table])
        #expect(first.exitCode == 0, "\(first.errors)")
        #expect((first.output + first.errors).contains("encoding is UTF8, the destination's is LATIN1"), "\(first)")
        try source.execute("INSERT INTO public.e VALUES (2, '\u{20ac}')")
        let second = try pipeline.apply([table])
        #expect(second.exitCode == 69, "\(second.errors)")
        #expect(second.errors.contains("the destination's encoding lacks"), "\(second.errors)")
    }
}
