import Foundation
import Postgres
import TestSupport
import Testing

/// Bindings that take a part of their table's history: `notBefore` and `notAfter`.
@Suite("windows of time")
struct WindowTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("window")
        admin = try Connection(source)
        target = try Connection(destination)
        try admin.execute(
            """
            CREATE TABLE public.a (id int PRIMARY KEY, v int, big text);
            ALTER TABLE public.a ALTER big SET STORAGE EXTERNAL;
            INSERT INTO public.a SELECT g, 0, repeat('x', 3000) FROM generate_series(1, 400) g
            """)
        catalog = TestFolder.place("window.yaml")
    }

    /// The table goes to `a_all`, every change as a row, and to tables with a window each: name, window, more.
    private func write(
        _ bindings: [(table: String, window: String, more: String)], capture: Int = 0, chunk: Int = 100
    ) throws {
        let windowed = bindings.map { table, window, more in
            let delta = table.hasSuffix("_log") ? ", delta_updates: true" : ""
            return "      - { source: { name: window/a\(window) }, resource: { table: \(table)\(delta) }\(more) }\n"
        }
        try """
        collections: { window/a: { key: [/id] } }
        captures:
          window/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database), backfill_chunk_size: \(chunk) } }
            bindings: [{ resource: { namespace: public, stream: a }, target: window/a, backfill: \(capture) }]
        materializations:
          window/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none }
            bindings:
              - { source: window/a, resource: { table: a_all, delta_updates: true } }
        \(windowed.joined())
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once(_ options: String...) throws -> FlowctlProcess.Outcome {
        try FlowctlProcess.run(["apply", "--once"] + options + [catalog.path])
    }

    /// The source's clock, as the catalog writes moments, and some seconds from it. By the microsecond, or cut to milliseconds.
    private func moment(_ seconds: Double = 0, digits: String = "US") throws -> String {
        let rows = try admin.query(
            """
            SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' + \(raw: String(seconds)) * interval '1 s',
                           'YYYY-MM-DD"T"HH24:MI:SS.\(raw: digits)"Z"')
            """)
        return try #require(rows[0, 0])
    }

    private func rows(_ connection: Connection, _ table: String) throws -> [String] {
        let rows = try connection.query(
            "SELECT id || ' ' || v || ' ' || left(big, 1) || ' ' || length(big) FROM public.\(id: table) ORDER BY id")
        return (0..<rows.count).map { rows[$0, 0] ?? "null" }
    }

    private func log(_ table: String) throws -> String {
        let rows = try target.query(
            """
            SELECT coalesce(string_agg("_meta/op" || ' ' || coalesce(id::text, ''), ', '
                            ORDER BY "_meta/source/lsn", "_meta/source/seq"), '') FROM public.\(id: table)
            """)
        return rows[0, 0] ?? ""
    }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    @Test("a change counts by its commit: rows from before the window come whole as they change within it")
    func commits() throws {
        try write([])
        #expect(try once().exitCode == 0)
        try admin.execute("UPDATE public.a SET v = -1 WHERE id = 1; DELETE FROM public.a WHERE id = 2")
        let start = try moment()
        try admin.execute(
            """
            UPDATE public.a SET v = 1 WHERE id = 3; UPDATE public.a SET id = 1004 WHERE id = 4;
            DELETE FROM public.a WHERE id = 5; INSERT INTO public.a VALUES (1006, 6, 'n');
            UPDATE public.a SET v = 7, big = 'seven' WHERE id = 7; INSERT INTO public.a VALUES (1008, 8, repeat('w', 3000));
            UPDATE public.a SET v = 9 WHERE id = 1008
            """)
        let end = try moment()
        try admin.execute(
            """
            UPDATE public.a SET v = 100 WHERE id = 8; UPDATE public.a SET v = 100 WHERE id = 7;
            DELETE FROM public.a WHERE id IN (3, 1008); UPDATE public.a SET id = 2004 WHERE id = 1004; TRUNCATE public.a
            """)
        let window = ", notBefore: '\(start)', notAfter: '\(end)'"
        // Large values that the log leaves out can't be had of rows that are gone: said, not guessed.
        try write([("a", window, ""), ("a_log", window, "")])
        let refused = try once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("may have another one by now"), "\(refused.errors)")
        #expect(refused.errors.contains("REPLICA IDENTITY FULL"), "\(refused.errors)")

        try write([("a_log", window, "")])
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try log("a_log") == "u 3, u 1004, d 5, c 1006, u 7, c 1008, u 1008")
        #expect(try once().exitCode == 0)
        #expect(try log("a_log") == "u 3, u 1004, d 5, c 1006, u 7, c 1008, u 1008")
        try self.end()
    }

    @Test("a mirror within a window that has begun and not ended has what changes, whole, and keeps it over restarts")
    func begun() throws {
        try write([])
        #expect(try once().exitCode == 0)
        try admin.execute("UPDATE public.a SET v = -1 WHERE id < 3")
        let start = try moment()
        try admin.execute(
            """
            UPDATE public.a SET v = 1 WHERE id = 3; UPDATE public.a SET id = 1004 WHERE id = 4;
            DELETE FROM public.a WHERE id = 5; INSERT INTO public.a VALUES (1006, 6, 'n');
            UPDATE public.a SET v = 1 WHERE id = 9; DELETE FROM public.a WHERE id = 9
            """)
        let window = ", notBefore: '\(start)', notAfter: '\(try moment(3600))'"
        // What the log shows before the run, and rows that are there: those are read, since the window is open.
        try write([("a", window, ""), ("a_log", window, "")])
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try rows(target, "a") == rows(admin, "a"))
        let read = try target.query("SELECT count(*) FROM public.a_log WHERE \"_meta/op\" = 'r'")[0, 0]
        #expect(read == "399")

        // From here on the window is over: the table stays as it is, also at later starts, and the slot goes on.
        let end = try moment()
        let before = try rows(admin, "a")
        try admin.execute(
            "UPDATE public.a SET v = 3; ALTER TABLE public.a ADD w int; DELETE FROM public.a WHERE id < 50")
        try write([("a", ", notBefore: '\(start)', notAfter: '\(end)'", ""), ("a_log", window, "")])
        for _ in 0..<2 {
            let later = try once()
            #expect(later.exitCode == 0, "\(later.errors)")
            #expect(later.errors.contains("notAfter has passed"), "\(later.errors)")
            #expect(try rows(target, "a") == before)
            try admin.execute("TRUNCATE public.a; INSERT INTO public.a VALUES (1, 1, 'y')")
        }
        // A later end would leave a hole: refused, until the table is read again, over what is there.
        try write([("a", "", ""), ("a_log", window, "")])
        let hole = try once()
        #expect(hole.exitCode == 69)
        #expect(hole.errors.contains("changes in between were left out"), "\(hole.errors)")
        try write([("a", "", ""), ("a_log", window, "")], capture: 1)
        let again = try once()
        #expect(again.exitCode == 0, "\(again.errors)")
        #expect(try rows(target, "a") == rows(admin, "a"))
        try self.end()
    }

    @Test("a window that lies ahead, or behind, has no rows read; one that lies ahead is filled as it begins")
    func aheadAndBehind() throws {
        let behind = ", notAfter: '2001-01-01T00:00:00Z'"
        try write([
            ("a", ", notBefore: '2999-01-01T00:00:00.0000001+02:00'", ""), ("b", behind, ""), ("b_log", behind, ""),
        ])
        let first = try once()
        #expect(first.exitCode == 0, "\(first.errors)")
        #expect(first.errors.contains("rows that were not read until now are left out"), "\(first.errors)")
        try admin.execute(
            "UPDATE public.a SET v = 1; ALTER TABLE public.a ADD w int; INSERT INTO public.a VALUES (1001, 0, 'n', 5)")
        #expect(try once().exitCode == 0)
        #expect(try rows(target, "a").isEmpty)
        #expect(try rows(target, "b").isEmpty)
        #expect(try log("b_log").isEmpty)

        // It begins now: rows as they change, with the large values that the log leaves out.
        try write([("a", ", notBefore: '\(try moment())'", ""), ("b", behind, ""), ("b_log", behind, "")])
        try admin.execute("UPDATE public.a SET v = 2 WHERE id IN (1, 1001); UPDATE public.a SET id = 2002 WHERE id = 2")
        #expect(try once().exitCode == 0)
        #expect(try rows(target, "a") == ["1 2 x 3000", "1001 2 n 1", "2002 1 x 3000"])
        #expect(try target.query("SELECT string_agg(id || '-' || w, ',') FROM public.a")[0, 0] == "1001-5")
        try admin.execute("TRUNCATE public.a; INSERT INTO public.a VALUES (3, 3, 'n')")
        #expect(try once().exitCode == 0)
        #expect(try rows(target, "a") == ["3 3 n 1"])
        #expect(try rows(target, "b").isEmpty)
        try self.end()
    }

    @Test("over kills and traffic, a mirror whose window begins meanwhile has each row that changes since, as it is")
    func beginning() throws {
        try admin.execute("INSERT INTO public.a SELECT g, 0, repeat('y', 2500) FROM generate_series(401, 3000) g")
        try write([], chunk: 200)
        #expect(try once().exitCode == 0)
        let start = try moment(1.5, digits: "MS")
        try write([("a", ", notBefore: '\(start)'", "")], chunk: 200)
        let first = try FlowctlProcess(["apply", "-o", "json", catalog.path])
        #expect(first.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(first.errors)")
        first.kill9()
        // On a slow machine it may have begun by now, and then every row is read.
        let isAhead = try moment() < start
        let traffic = Thread.detached(source) { connection, round in
            // Some rows must stay as they are, however long the kills take.
            guard round < 1200 else { return }
            func key(_ factor: Int) -> String { String(round * factor % 3000 + 1) }
            try connection.execute(
                """
                UPDATE public.a SET v = v + 1 WHERE id = \(raw: key(37));
                UPDATE public.a SET v = v + 1, big = repeat('n', 2500) WHERE id = \(raw: key(91));
                DELETE FROM public.a WHERE id = \(raw: key(53));
                INSERT INTO public.a VALUES (\(raw: String(10_000 + round)), 0, repeat('z', 2500));
                UPDATE public.a SET id = id + 100000 WHERE id = \(raw: key(71));
                UPDATE public.a SET v = v + 1 WHERE id = 100000 + \(raw: key(71))
                """)
        }
        let end = try moment(3)
        for _ in 0..<40 {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
            apply.kill9()
            if try moment() > end { break }
        }
        // On a slow machine, too, enough of them come within the window.
        let rounds = traffic.rounds
        #expect(eventually(seconds: 120) { traffic.rounds >= min(rounds + 150, 1200) })
        traffic.stop()
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let there = try Set(rows(admin, "a"))
        let here = try Set(rows(target, "a"))
        #expect(here.subtracting(there).isEmpty)
        let changed = try target.query(
            """
            SELECT DISTINCT id FROM public.a_all WHERE "_meta/op" <> 'r'
               AND "_meta/source/ts_ms" >= extract(epoch FROM \(literal: start)::timestamptz) * 1000
            """)
        let ids = Set((0..<changed.count).compactMap { changed[$0, 0] })
        #expect(ids.count > 100)
        #expect(there.filter { ids.contains(String($0.prefix { $0 != " " })) }.isSubset(of: here))
        #expect(here.count < there.count || !isAhead)
        try self.end()
    }

    /// `a_all` has every change with its time, so what the source was at a moment is known.
    @Test(
        "over kills and traffic, and in the middle of the backfill, a mirror is what its source was at the window's end"
    )
    func killed() throws {
        // Full identity: else updates that are caught up after the end could leave out what nobody knows any more.
        try admin.execute(
            """
            ALTER TABLE public.a REPLICA IDENTITY FULL;
            INSERT INTO public.a SELECT g, 0, repeat('y', 2500) FROM generate_series(401, 6000) g
            """)
        try write([], chunk: 50)
        #expect(try once().exitCode == 0)
        let traffic = Thread.detached(source) { connection, round in
            func key(_ factor: Int) -> String { String(round * factor % 6000 + 1) }
            try connection.execute(
                """
                UPDATE public.a SET v = v + 1 WHERE id = \(raw: key(37));
                UPDATE public.a SET v = v + 1, big = repeat('n', 2500) WHERE id = \(raw: key(91));
                DELETE FROM public.a WHERE id = \(raw: key(53));
                INSERT INTO public.a VALUES (\(raw: String(10_000 + round)), 0, repeat('z', 2500));
                UPDATE public.a SET id = id + 100000 WHERE id = \(raw: key(71))
                """)
        }
        let start = try moment(digits: "MS")
        // They end before, while and after the rows are read.
        let windows = try [0.1, 0.7, 2].map { (start, try moment($0, digits: "MS")) }
        try write(
            windows.enumerated().map { ("a\($0)", ", notBefore: '\($1.0)', notAfter: '\($1.1)'", "") }, chunk: 50)
        var kills = 0
        for _ in 0..<40 {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            let seen = apply.waitForLine(seconds: 60) { $0.contains("backfill_progress") || $0.contains("caught_up") }
            #expect(seen != nil, "\(apply.errors)")
            apply.kill9()
            kills += 1
            if kills > 1, try moment() > windows[2].1 { break }
        }
        traffic.stop()
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for (index, window) in windows.enumerated() {
            // At the end, by the log: what was there at the first copy, and each change since. Some large values are left out.
            try target.execute(
                """
                CREATE TEMP TABLE was AS SELECT DISTINCT ON (id) id, v, "_meta/op" AS op, "_meta/source/ts_ms" AS ms
                  FROM public.a_all WHERE "_meta/op" = 'r' OR "_meta/source/ts_ms" < extract(epoch FROM
                    \(literal: window.1)::timestamptz) * 1000
                 ORDER BY id, "_meta/source/lsn" DESC, "_meta/source/seq" DESC
                """)
            let wrong = try target.query(
                """
                SELECT count(*) FILTER (WHERE was.id IS NULL), count(*) FILTER (WHERE was.op = 'd' OR EXISTS (SELECT FROM was m WHERE m.id = was.id + 100000)),
                       count(*) FILTER (WHERE was.v <> now.v OR now.big IS NULL)
                  FROM public.\(id: "a\(index)") now LEFT JOIN was USING (id)
                """)
            #expect([wrong[0, 0], wrong[0, 1], wrong[0, 2]] == ["0", "0", "0"], "\(index): unknown, deleted, other")
            let missing = try target.query(
                """
                SELECT count(*) FROM was LEFT JOIN public.\(id: "a\(index)") now USING (id)
                 WHERE now.id IS NULL AND op NOT IN ('r', 'd')
                   AND ms >= extract(epoch FROM \(literal: window.0)::timestamptz) * 1000
                   AND NOT EXISTS (SELECT FROM was m WHERE m.id = was.id + 100000)
                """)
            #expect(missing[0, 0] == "0", "\(index)")
            try target.execute("DROP TABLE was")
        }
        try self.end()
    }
}
