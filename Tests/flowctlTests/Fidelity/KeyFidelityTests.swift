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

    @Test(
        "an index of another collation than its column's nondeterministic one keeps none unique",
        .enabled(if: serverHasICU, "this server is built without ICU"))
    func looseCollation() throws {
        try looseIndex(
            table: """
                CREATE COLLATION public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
                CREATE TABLE public.t (k text COLLATE public.ci NOT NULL, v text);
                CREATE UNIQUE INDEX ON public.t (k COLLATE "C")
                """)
    }

    @Test("an index of another deterministic collation or pattern class keeps a key as unique as its own would")
    func otherIndex() throws {
        let pair = try TestServers.freshDatabases("otherindex")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (k text COLLATE "POSIX" NOT NULL, v text);
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

    @Test(
        "a destination whose key takes for one what the source keeps apart is refused",
        .enabled(if: serverHasICU, "this server is built without ICU"))
    func joiningKey() throws {
        let pair = try TestServers.freshDatabases("joiningkey")
        let source = try Connection(pair.source)
        let destination = try Connection(pair.destination)
        try source.execute(
            """
            CREATE COLLATION public.ci (provider = icu, locale = 'und-u-ks-level2');
            CREATE TABLE public.t (k text COLLATE public.ci PRIMARY KEY, n int); CREATE TABLE public.u (k text PRIMARY KEY, n int)
            """)
        try destination.execute(
            """
            CREATE COLLATION public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TABLE public.u (k text COLLATE public.ci PRIMARY KEY, n int)
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        for table in ["t", "u"] {
            let refused = try pipeline.apply([.init(schema: "public", name: table, key: ["k"])])
            #expect(refused.exitCode == 69)
            #expect(refused.errors.contains("texts of other bytes can be equal"), "\(table): \(refused.errors)")
        }
    }

    @Test("what only an index includes is no part of its key")
    func includedColumn() throws {
        let pair = try TestServers.freshDatabases("includedcolumn")
        let source = try Connection(pair.source)
        try source.execute("CREATE TABLE public.t (id int, v int NOT NULL, PRIMARY KEY (id) INCLUDE (v))")
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let refused = try pipeline.apply([.init(schema: "public", name: "t", key: ["id", "v"])])
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("replica identity"), "\(refused.errors)")
    }

    @Test(
        "a value that was stored out of line before its column's storage became plain is left out by the log, and kept")
    func plainStorage() throws {
        let pair = try TestServers.freshDatabases("plainstorage")
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, n int, s text); ALTER TABLE public.t ALTER s SET STORAGE EXTERNAL;
            INSERT INTO public.t SELECT g, g, repeat('s', 5000) || g FROM generate_series(1, 5) g;
            ALTER TABLE public.t ALTER s SET STORAGE PLAIN
            """)
        let pipeline = try PipelineFolder(pair.source, pair.destination, slot: pair.source.database)
        let tables = [PipelineFolder.Table(schema: "public", name: "t", key: ["id"])]
        let begun = try pipeline.apply(tables)
        #expect(begun.exitCode == 0, "\(begun.errors)")
        try source.execute("UPDATE public.t SET n = n + 1")
        let outcome = try pipeline.apply(tables)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try pipeline.differences([("public.t", "public.t")]).isEmpty)
    }

    @Test("a text key of a database with another encoding is in that encoding's order")
    func otherEncoding() throws {
        let pair = try TestServers.freshDatabases("otherencoding")
        var parameters = pair.source
        parameters.database += "_koi8"
        let admin = try Connection(pair.source)
        try admin.execute(
            "CREATE DATABASE \(id: parameters.database) TEMPLATE template0 ENCODING 'KOI8R' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        defer { try? TestServers.drop(parameters) }
        let source = try Connection(parameters)
        try source.execute(
            """
            CREATE TABLE public.t (k text PRIMARY KEY, n int, big text); ALTER TABLE public.t REPLICA IDENTITY FULL;
            INSERT INTO public.t SELECT c || lpad(g::text, 3, '0'), 0, repeat(md5(g::text), 300)
              FROM unnest(string_to_array('абвгдежзийклмнопрстуфхцчшщъыьэюя', NULL)) c, generate_series(1, 100) g
            """)
        let pipeline = try PipelineFolder(
            parameters, pair.destination, slot: parameters.database, advanced: ["backfill_chunk_size": 50])
        let apply = try FlowctlProcess([
            "apply", "-o", "json", pipeline.write([.init(schema: "public", name: "t", key: ["k"])]),
        ])
        let destination = try Connection(pair.destination)
        // ю is the first letter in KOI8-R, and nearly the last in Unicode.
        _ = eventually(seconds: 30) {
            (try? destination.query("SELECT count(*) FROM public.t")[0, 0].flatMap { Int($0) } ?? 0).map { $0 >= 200 }
                ?? false
        }
        try source.execute(
            "UPDATE public.t SET n = 99 WHERE k LIKE 'ю%' OR k LIKE 'я%'; DELETE FROM public.t WHERE k LIKE 'ю%1'")
        #expect(apply.waitForLine(seconds: 90) { $0.contains("caught_up") } != nil, "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 30) == 0, "\(apply.errors)")
        let once = try FlowctlProcess.run([
            "apply", "--once", pipeline.write([.init(schema: "public", name: "t", key: ["k"])]),
        ])
        #expect(once.exitCode == 0, "\(once.errors)")
        let verified = try FlowctlProcess.run(["verify", pipeline.folder.appending(path: "flow.json").path])
        #expect(verified.exitCode == 0, "\(verified.output) \(verified.errors)")
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
