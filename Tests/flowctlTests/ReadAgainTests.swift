import Foundation
import Postgres
import TestSupport
import Testing

/// Tables that are read again because a counter was raised: over what is there, or after it was emptied.
@Suite("tables read again")
struct ReadAgainTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("readagain")
        admin = try Connection(source)
        target = try Connection(destination)
        try admin.execute(
            """
            CREATE TABLE public.a (id text PRIMARY KEY, v int, big text);
            ALTER TABLE public.a ALTER big SET STORAGE EXTERNAL;
            INSERT INTO public.a SELECT 'k' || g, 0, repeat('x', 3000) FROM generate_series(1, 4000) g
            """)
        catalog = TestFolder.place("readagain.yaml")
    }

    /// The counters of the capture's binding and of the two materialization's.
    private func write(_ capture: Int = 0, mirror: Int = 0, log: Int = 0, deletes: String = "hard") throws {
        try """
        collections: { again/a: { key: [/id] } }
        captures:
          again/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database), backfill_chunk_size: 100 } }
            bindings: [{ resource: { namespace: public, stream: a }, target: again/a, backfill: \(capture) }]
        materializations:
          again/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none, deleteMode: \(deletes) }
            bindings:
              - { source: again/a, resource: { table: a }, backfill: \(mirror) }
              - { source: again/a, resource: { table: a_log, delta_updates: true }, backfill: \(log) }
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once(_ options: String...) throws -> FlowctlProcess.Outcome {
        try FlowctlProcess.run(["apply", "--once"] + options + [catalog.path])
    }

    private func sum(_ connection: Connection, _ condition: String = "true") throws -> String? {
        try connection.query(
            """
            SELECT count(*) || ' ' || md5(string_agg(id || ' ' || v || ' ' || md5(big), ',' ORDER BY id COLLATE "C"))
              FROM public.a WHERE \(raw: condition)
            """)[0, 0]
    }

    private func count(_ condition: String) throws -> String? {
        try target.query("SELECT count(*) FROM public.a_log WHERE \(raw: condition)")[0, 0]
    }

    private func spoil() throws {
        try target.execute(
            """
            DELETE FROM public.a WHERE id LIKE 'k1%'; UPDATE public.a SET v = -1 WHERE id LIKE 'k2%';
            UPDATE public.a SET big = NULL WHERE id LIKE 'k3%';
            INSERT INTO public.a SELECT 'ghost' || g, 0, 'x' FROM generate_series(1, 300) g
            """)
    }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    @Test("a raised counter of the capture replaces what differs, removes what is gone, and keeps rows that are equal")
    func mended() throws {
        try write()
        #expect(try once().exitCode == 0)
        try spoil()
        let before = try target.query("SELECT xmin FROM public.a WHERE id = 'k400'")[0, 0]
        try write(1)
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target) == sum(admin))
        #expect(try target.query("SELECT xmin FROM public.a WHERE id = 'k400'")[0, 0] == before)
        #expect(try count("\"_meta/op\" = 'r'") == "8000")
        let places = "SELECT count(DISTINCT (\"_meta/source/lsn\", \"_meta/source/seq\")) FROM public.a_log"
        #expect(try target.query("\(raw: places)")[0, 0] == "8000")
        // Read once: the counter stays where it is. It never goes down.
        #expect(try once().exitCode == 0)
        #expect(try count("true") == "8000")
        try write(0)
        let lower = try once()
        #expect(lower.exitCode == 69)
        #expect(lower.errors.contains("never goes down"), "\(lower.errors)")
        try end()
    }

    @Test("read again under traffic and over kills, nothing is lost or doubled, in the mirror and in the log")
    func killed() throws {
        try write()
        #expect(try once().exitCode == 0)
        try spoil()
        try write(1)
        let traffic = Thread.detached(source) { connection, round in
            try connection.execute(
                """
                UPDATE public.a SET v = v + 1 WHERE id = 'k\(raw: String(round * 37 % 4000 + 1))';
                UPDATE public.a SET v = v + 1, big = repeat('n', 2500) WHERE id = 'k\(raw: String(round * 91 % 4000 + 1))';
                DELETE FROM public.a WHERE id = 'k\(raw: String(round * 53 % 4000 + 1))';
                INSERT INTO public.a VALUES ('n\(raw: String(round))', 0, repeat('z', 2500));
                UPDATE public.a SET id = 'm\(raw: String(round))' WHERE id = 'k\(raw: String(round * 71 % 4000 + 1))'
                """)
        }
        var kills = 0
        for _ in 0..<40 {
            let apply = try FlowctlProcess(["apply", "-o", "json", catalog.path])
            let seen = apply.waitForLine(seconds: 60) { $0.contains("backfill_progress") || $0.contains("caught_up") }
            #expect(seen != nil, "\(apply.errors)")
            apply.kill9()
            kills += 1
            let states = try target.query(
                "SELECT count(*) FROM flow.bindings WHERE phase = 'streaming'")[0, 0]
            if states == "2", kills > 1 { break }
        }
        traffic.stop()
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target) == sum(admin))
        let differing = try target.query(
            """
            SELECT count(*) FROM public.a FULL JOIN (
              SELECT DISTINCT ON (id) id, v, "_meta/op" AS op FROM public.a_log
               ORDER BY id, "_meta/source/lsn" DESC, "_meta/source/seq" DESC) l USING (id)
             WHERE a.id IS NOT NULL AND (l.op IS NULL OR l.op = 'd' OR l.v IS DISTINCT FROM a.v)
            """)
        #expect(differing[0, 0] == "0")
        let doubled = try target.query(
            """
            SELECT count(*) - count(DISTINCT ("_meta/source/lsn", "_meta/source/seq")) FROM public.a_log
             WHERE "_meta/op" <> 'r'
            """)
        #expect(doubled[0, 0] == "0")
        try end()
    }

    @Test("a raised counter of the materialization empties the table, with leave only, and makes it anew where it must")
    func rebuilt() throws {
        try write()
        #expect(try once().exitCode == 0)
        try target.execute(
            """
            INSERT INTO public.a VALUES ('ghost', 1, 'x'); CREATE ROLE \(id: destination.database);
            GRANT SELECT ON public.a TO \(id: destination.database)
            """)
        try write(mirror: 1, log: 1)
        let refused = try once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("--allow-destructive"), "\(refused.errors)")
        #expect(try sum(target) != sum(admin))
        let outcome = try once("--allow-destructive")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target) == sum(admin))
        #expect(try count("true") == "4000")
        #expect(
            try target.query(
                "SELECT has_table_privilege(\(literal: destination.database), 'public.a', 'SELECT')")[0, 0] == "t")
        try admin.execute("ALTER TABLE public.a ALTER v TYPE text USING 'n' || v")
        try target.execute("ALTER TABLE public.a ALTER v TYPE bytea USING NULL")
        try write(mirror: 2, log: 2)
        let anew = try once("--allow-destructive")
        #expect(anew.exitCode == 0, "\(anew.errors)")
        #expect(try sum(target) == sum(admin))
        try target.execute("DROP OWNED BY \(id: destination.database); DROP ROLE \(id: destination.database)")
        try end()
    }

    @Test("with soft deletes, rows that the source no longer has are marked, and those that it has again are not")
    func soft() throws {
        try write(deletes: "soft")
        #expect(try once().exitCode == 0)
        try admin.execute("DELETE FROM public.a WHERE id = 'k7'")
        #expect(try once().exitCode == 0)
        try target.execute(
            """
            INSERT INTO public.a (id, v, big) VALUES ('ghost', 1, 'x'); UPDATE public.a SET "_meta/op" = 'd' WHERE id = 'k8'
            """)
        try write(1, deletes: "soft")
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target, "\"_meta/op\" <> 'd'") == sum(admin))
        let marked = try target.query(
            "SELECT string_agg(id, ' ' ORDER BY id) FROM public.a WHERE \"_meta/op\" = 'd'")
        #expect(marked[0, 0] == "ghost k7")
        try end()
    }

    @Test("a table that was exchanged, or whose binding was away, is mended by the counter that the message names")
    func afterGap() throws {
        try write()
        #expect(try once().exitCode == 0)
        try admin.execute(
            """
            DROP TABLE public.a; CREATE TABLE public.a (id text PRIMARY KEY, v int, big text);
            INSERT INTO public.a VALUES ('k1', 5, 'new'), ('other', 6, 'new')
            """)
        let refused = try once()
        #expect(refused.exitCode == 69)
        #expect(refused.errors.contains("raise `backfill`"), "\(refused.errors)")
        try write(1)
        let outcome = try once()
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try sum(target) == sum(admin))
        try admin.execute("UPDATE public.a SET v = 7 WHERE id = 'k1'; DELETE FROM public.a WHERE id = 'other'")
        #expect(try once().exitCode == 0)
        #expect(try sum(target) == sum(admin))
        try end()
    }
}

extension Thread {
    /// Runs `body` with a connection of its own, round after round, until it is told to stop.
    static func detached(
        _ database: ConnectionParameters, _ body: @escaping @Sendable (Connection, Int) throws -> Void
    ) -> Rounds {
        let rounds = Rounds()
        detachNewThread {
            defer { rounds.ended.signal() }
            guard let connection = try? Connection(database) else { return }
            var round = 0
            while !rounds.isStopped {
                round += 1
                try? body(connection, round)
                rounds.count()
                usleep(2000)
            }
        }
        return rounds
    }
}

/// A thread's rounds, to be ended.
// @unchecked: what changes is read and written under its lock.
final class Rounds: @unchecked Sendable {
    let ended = DispatchSemaphore(value: 0)
    private let lock = NSLock()
    private var stopped = false
    private var number = 0

    var isStopped: Bool { lock.withLock { stopped } }
    /// How many have ended.
    var rounds: Int { lock.withLock { number } }

    func count() { lock.withLock { number += 1 } }

    func stop() {
        lock.withLock { stopped = true }
        ended.wait()
    }
}
