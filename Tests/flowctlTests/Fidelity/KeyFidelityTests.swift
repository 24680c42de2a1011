import Foundation
import Postgres
import TestSupport
import Testing

/// What counts as one row: keys that look unique and aren't, and keys and values whose nulls are easily taken for another thing.
@Suite("keys and nulls that are not what they seem")
struct KeyFidelityTests {
    @Test(
        "an index that lets two rows share a key, for a moment or by the key's own collation, keeps none unique",
        arguments: [
            "CREATE TABLE public.t (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text)",
            "CREATE TABLE public.t (k int NOT NULL UNIQUE DEFERRABLE, v text)",
            """
            CREATE COLLATION public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TABLE public.t (k text COLLATE public.ci NOT NULL, v text);
            CREATE UNIQUE INDEX ON public.t (k COLLATE "C")
            """,
            """
            CREATE TYPE public.pair AS (a numeric); CREATE TABLE public.t (k public.pair NOT NULL, v text);
            CREATE UNIQUE INDEX ON public.t (k record_image_ops)
            """,
        ])
    func looseIndex(table: String) throws {
        let pair = try TestServers.freshDatabases("looseindex")
        let source = try Connection(pair.source)
        try source.execute("\(raw: table); ALTER TABLE public.t REPLICA IDENTITY FULL")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let refused = try pipeline.apply([.init(schema: "public", name: "t", key: ["k"])])
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("no unique index keeps the key (k)"), "\(refused.errors)")
        #expect(try source.query("SELECT count(*) FROM pg_publication")[0, 0] == "0", "nothing was made")
    }

    @Test("an index of another deterministic collation or pattern class keeps a key as unique as its own would")
    func otherIndex() throws {
        let pair = try TestServers.freshDatabases("otherindex")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (k text COLLATE "en-x-icu" NOT NULL, v text);
            CREATE UNIQUE INDEX ON public.t (k COLLATE "C"); ALTER TABLE public.t REPLICA IDENTITY FULL;
            CREATE TABLE public.p (k varchar NOT NULL, v text); CREATE UNIQUE INDEX ON public.p (k varchar_pattern_ops);
            ALTER TABLE public.p REPLICA IDENTITY FULL;
            INSERT INTO public.t VALUES ('a', '1'), ('A', '2'); INSERT INTO public.p TABLE public.t
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let outcome = try pipeline.apply([
            .init(schema: "public", name: "t", key: ["k"]), .init(schema: "public", name: "p", key: ["k"]),
        ])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try pipeline.differences([("public.t", "public.t"), ("public.p", "public.p")]).isEmpty)
    }

    @Test("keys with a null within them move, and values of domains that refuse null stay, in large sets of changes")
    func nulls() throws {
        let pair = try TestServers.freshDatabases("innernulls")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TYPE public.pair AS (a int, b text);
            CREATE DOMAIN public.filled AS text NOT NULL; CREATE DOMAIN public.short AS varchar(9) COLLATE "C" CHECK (VALUE IS NOT NULL);
            CREATE TABLE public.c (k public.pair PRIMARY KEY, n int, s text); ALTER TABLE public.c ALTER s SET STORAGE EXTERNAL;
            INSERT INTO public.c SELECT ROW(g, CASE WHEN g % 2 = 0 THEN 'x' END)::public.pair, g, repeat('s', 3000) || g FROM generate_series(1, 300) g;
            CREATE TABLE public.d (id int PRIMARY KEY, n int, v public.filled, w public.short);
            ALTER TABLE public.d ALTER v SET STORAGE EXTERNAL;
            INSERT INTO public.d SELECT g, g, repeat('v', 3000) || g, 'w' || g FROM generate_series(1, 400) g
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let tables: [PipelineFolder.Table] = [
            .init(schema: "public", name: "c", key: ["k"]), .init(schema: "public", name: "d", key: ["id"]),
        ]
        let begun = try pipeline.apply(tables)
        #expect(begun.exitCode == 0, "\(begun.errors)")
        try source.execute("UPDATE public.c SET k = ROW((k).a + 1000, (k).b)::public.pair")
        try source.execute("UPDATE public.d SET n = -n WHERE id <= 300; DELETE FROM public.d WHERE id > 100")
        try source.execute("UPDATE public.d SET n = 7, w = 'y' || id")
        let outcome = try pipeline.apply(tables)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try pipeline.differences([("public.c", "public.c"), ("public.d", "public.d")]).isEmpty)
    }

    @Test(
        "a column whose NOT NULL was never validated has nulls, and takes them",
        .enabled(if: serverVersion >= 18, "NOT VALID for NOT NULL came with PostgreSQL 18"))
    func unvalidated() throws {
        let pair = try TestServers.freshDatabases("unvalidated")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, a int); INSERT INTO public.t VALUES (1, NULL);
            ALTER TABLE public.t ADD CONSTRAINT filled NOT NULL a NOT VALID
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let outcome = try pipeline.apply([.init(schema: "public", name: "t", key: ["id"])])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try pipeline.differences([("public.t", "public.t")]).isEmpty)
    }
}
