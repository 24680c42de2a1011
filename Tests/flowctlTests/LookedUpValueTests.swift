import Foundation
import Postgres
import TestSupport
import Testing

/// `advanced.toast: lookup`: values that updates left out, in append-only tables. The source keeps for each change, by a trigger, how its row
/// was: what a destination's row has must be that, or be named as left out.
@Suite("values that append-only tables have looked up")
struct LookedUpValueTests {
    private let source: ConnectionParameters
    private let destination: ConnectionParameters
    private let admin: Connection
    private let target: Connection
    private let catalog: URL

    init() throws {
        (source, destination) = try TestServers.freshDatabases("lookedup")
        admin = try Connection(source)
        target = try Connection(destination)
        try admin.execute(
            """
            CREATE TABLE public.a (id int, n serial, a text, b text, kind char(3) DEFAULT 'k', PRIMARY KEY (id, kind));
            ALTER TABLE public.a ALTER a SET STORAGE EXTERNAL; ALTER TABLE public.a ALTER b SET STORAGE EXTERNAL;
            CREATE TABLE public.past (n int PRIMARY KEY, id int, a text, b text);
            CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS
              'BEGIN INSERT INTO public.past VALUES (NEW.n, NEW.id, NEW.a, NEW.b); RETURN NULL; END';
            CREATE TRIGGER keep AFTER INSERT OR UPDATE ON public.a FOR EACH ROW EXECUTE FUNCTION public.keep();
            CREATE FUNCTION public.large(text) RETURNS text LANGUAGE sql AS 'SELECT repeat($1, 1500)';
            INSERT INTO public.a (id, a, b) SELECT g, public.large('a' || g), public.large('b' || g)
              FROM generate_series(1, 9) g
            """)
        catalog = TestFolder.place("lookedup.yaml")
        try """
        collections: { up/a: { key: [/id, /kind] } }
        captures:
          up/source:
            endpoint:
              connector:
                image: source-postgres:dev
                config: { address: "127.0.0.1:\(source.port)", database: \(source.database), user: postgres, password: none,
                          advanced: { slotName: \(source.database), backfill_chunk_size: 20 } }
            bindings:
              - { resource: { namespace: public, stream: a }, target: up/a }
        materializations:
          up/destination:
            endpoint:
              connector:
                image: materialize-postgres:dev
                config: { address: "127.0.0.1:\(destination.port)", database: \(destination.database), user: postgres,
                          password: none, advanced: { toast: lookup } }
            bindings:
              - { source: up/a, resource: { table: a, delta_updates: true } }
              - { source: up/a, resource: { table: mirror } }
        """.write(to: catalog, atomically: true, encoding: .utf8)
    }

    private func once() throws {
        let outcome = try FlowctlProcess.run(["apply", "--once", catalog.path], seconds: 120)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }

    /// Rows that are there have the values of then, or a name in `_meta/unchanged` in place of one. Returns what was left out: `n` and
    /// the column.
    private func leftOut() throws -> Set<String> {
        let past = try admin.query("SELECT n, id, md5(a), md5(b) FROM public.past")
        var rows: [String: Int] = [:]
        for row in 0..<past.count { rows[past[row, 0] ?? ""] = row }
        let there = try target.query(
            """
            SELECT n, id, md5(a), md5(b), coalesce(array_to_string("_meta/unchanged", ' '), '') FROM public.a
             WHERE "_meta/op" <> 'd'
            """)
        var left: Set<String> = []
        for row in 0..<there.count {
            let number = there[row, 0] ?? ""
            let known = rows.removeValue(forKey: number)
            let then = try #require(known, "change \(number) is there twice, or was never made")
            #expect(there[row, 1] == past[then, 1])
            let names = (there[row, 4] ?? "").split(separator: " ")
            for (column, name) in [(2, "a"), (3, "b")] {
                let isNamed = names.contains { $0 == name }
                let value = there[row, column]
                #expect(isNamed ? value == nil : value == past[then, column], "\(name) of change \(number)")
                if isNamed { left.insert("\(number) \(name)") }
            }
        }
        return left
    }

    private func end() throws {
        try TestServers.drop(source)
        try FileManager.default.removeItem(at: catalog)
    }

    @Test(
        "are the row's own, or left out: of rows changed again, moved, exchanged, deleted, in savepoints, and before they were altered"
    )
    func cases() throws {
        try once()
        func number(_ n: Int) -> String { "n = \(100 + n)" }
        let statements = [
            // The source's row is as this change left it.
            "UPDATE a SET \(number(1)) WHERE id = 1",
            // The log has one of the values, and takes the other's proof away.
            "UPDATE a SET \(number(2)) WHERE id = 2", "UPDATE a SET \(number(3)), a = large('x') WHERE id = 2",
            "UPDATE a SET \(number(4)) WHERE id = 2",
            // Rows exchange their keys, and one is left.
            "BEGIN; UPDATE a SET \(number(5)), id = 50 WHERE id = 3; UPDATE a SET \(number(6)), id = 3 WHERE id = 4; "
                + "UPDATE a SET \(number(7)), id = 4 WHERE id = 50; COMMIT",
            // Another row has the key in the end.
            "BEGIN; UPDATE a SET \(number(8)) WHERE id = 5; DELETE FROM a WHERE id = 5; "
                + "INSERT INTO a VALUES (5, 109, large('o'), large('p')); UPDATE a SET \(number(10)) WHERE id = 5; COMMIT",
            // The version is a subtransaction's.
            "BEGIN; SAVEPOINT s; UPDATE a SET \(number(11)) WHERE id = 6; RELEASE s; COMMIT",
            "INSERT INTO a VALUES (60, 112, large('q'), NULL)", "UPDATE a SET \(number(13)) WHERE id = 60",
            "UPDATE a SET \(number(14)), id = 61 WHERE id = 60",
        ]
        for statement in statements { try admin.execute("SET search_path = public; \(raw: statement)") }
        try once()
        let none: Set = ["102 a", "108 a", "108 b", "111 a", "111 b"]
        // As the log comes in one commit or in several.
        let some: Set = ["102 b", "103 b", "113 a"]
        let left = try leftOut()
        #expect(left.subtracting(some) == none)
        // What is altered leaves no word in the log of what it did to rows: nothing counts that may have been altered after the change.
        try admin.execute("BEGIN; UPDATE a SET n = 115 WHERE id = 7; ALTER TABLE a ADD c int; COMMIT")
        try admin.execute("UPDATE a SET n = 116 WHERE id = 8")
        try admin.execute("ALTER TABLE a ALTER b SET STATISTICS 50")
        try admin.execute("UPDATE a SET n = 117 WHERE id = 9")
        try once()
        let later = try leftOut().subtracting(left)
        #expect(later == ["115 a", "115 b", "116 a", "116 b"])
        #expect(try target.query("SELECT count(*) FROM public.a WHERE n > 100")[0, 0] == "17")
        try end()
    }

    @Test("are right or left out under traffic, kills and a backfill beside it, and there of each row's last change")
    func traffic() throws {
        try admin.execute(
            """
            INSERT INTO public.a (id, a, b) SELECT g, public.large('a' || g), public.large('b' || g)
              FROM generate_series(10, 200) g;
            CREATE PROCEDURE public.work(seed float, times int) LANGUAGE plpgsql AS 'DECLARE k int; m int; BEGIN
              PERFORM setseed(seed);
              FOR i IN 1..times LOOP
                FOR j IN 1..1 + floor(random() * 4) LOOP
                  k := 1 + floor(random() * 40); m := floor(random() * 10);
                  IF m < 6 THEN UPDATE public.a SET n = nextval(''public.a_n_seq'') WHERE id = k;
                  ELSIF m < 7 THEN UPDATE public.a SET n = nextval(''public.a_n_seq''), a = public.large(md5(random()::text)) WHERE id = k;
                  ELSIF m < 8 AND NOT EXISTS (SELECT FROM public.a WHERE id = k + 300) THEN
                    UPDATE public.a SET n = nextval(''public.a_n_seq''), id = k + 300 WHERE id = k;
                  ELSIF m < 9 THEN
                    DELETE FROM public.a WHERE id = k;
                    INSERT INTO public.a (id, a, b) VALUES (k, public.large(''i'' || i), public.large(''j'' || i));
                  ELSE BEGIN UPDATE public.a SET n = nextval(''public.a_n_seq'') WHERE id = k; EXCEPTION WHEN others THEN NULL; END;
                  END IF;
                END LOOP;
                COMMIT;
              END LOOP; END'
            """)
        var apply = try FlowctlProcess(["apply", catalog.path])
        for round in 1...3 {
            try admin.execute("CALL public.work(\(raw: "0.\(round)"), 150)")
            apply.kill9()
            try admin.execute("CALL public.work(\(raw: "0.\(round + 3)"), 50)")
            apply = try FlowctlProcess(["apply", catalog.path])
        }
        // It hears of the last changes when others see them, too.
        apply.pause()
        try admin.execute("UPDATE public.a SET n = nextval('public.a_n_seq')")
        apply.resume()
        let last = try admin.query("SELECT min(n) FROM public.a")[0, 0].flatMap { Int($0) } ?? 0
        let count = try admin.query("SELECT count(*) FROM public.a")[0, 0] ?? ""
        #expect(
            eventually(seconds: 120) {
                (try? target.query("SELECT count(*) FROM public.a WHERE n >= \(raw: String(last))")[0, 0]) == count
            }, "\(apply.errors)")
        apply.terminate()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")
        #expect(try !leftOut().contains { $0.split(separator: " ").first.flatMap { Int($0) } ?? 0 >= last })
        try end()
    }
}
