import Connectors
import Postgres
import Testing

@testable import MaterializePostgres

/// A destination that has foreign keys of its own, and a user under whom the server looks after them.
@Suite("foreign keys that the server looks after")
struct ForeignKeyTests {
    /// Tables t, c and g, each of an id, what it refers to, and a large value.
    private static func shape(_ name: String) -> TableShape {
        .test([.int("id", key: true), .int("ref"), .text("big")], name: name)
    }

    private let destination: Destination
    private let role: String

    init() throws {
        destination = try Destination()
        role = "tied_\(destination.parameters.database)"
        try destination.eye.execute(
            """
            CREATE ROLE \(id: role) LOGIN; GRANT CREATE, TEMP ON DATABASE \(id: destination.parameters.database) TO \(id: role);
            GRANT USAGE, CREATE ON SCHEMA public TO \(id: role)
            """)
    }

    private func execute(_ sql: String) throws {
        try destination.eye.execute("SET ROLE \(id: role); \(raw: sql); RESET ROLE")
    }

    private func link(_ tables: [String], _ change: @escaping (inout LinkBinding) -> Void = { _ in }) throws -> TestLink
    {
        try TestLink(
            destination.materialization { $0.connection.user = role },
            tables.map { name in (LinkBinding.test(Self.shape(name), change), Self.shape(name)) })
    }

    /// Stores what several tables have, in the order of their bindings, and commits.
    private func store(_ link: TestLink, _ sets: [(inout RowBuilder) -> Void], commits: Bool = true) throws {
        var builder = RowBuilder()
        var ends: [Int] = []
        for set in sets {
            set(&builder)
            ends.append(builder.changes.count)
        }
        let pool = builder.finished()
        let parts = sets.indices.map { index in
            StoredPart(
                binding: index, shape: Self.shape(link.spec.bindings[index].name),
                changes: .net(ContiguousArray(builder.changes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])))
        }
        try link.transactor.store(parts, rows: pool)
        if commits { try link.commit() }
    }

    private func rows(_ table: String) throws -> [String] {
        try destination.rows("SELECT id, ref, left(big, 1) FROM public.\(id: table) ORDER BY id")
    }

    /// t <- c <- g, five rows each, beside them more where sets are to be large.
    private func family(_ keys: (c: String, g: String), size: Int, order: [String] = ["t", "c", "g"]) throws -> TestLink
    {
        try execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, ref int, big text UNIQUE \(keys.c.contains("DEFER") ? "" : "DEFERRABLE"));
            CREATE TABLE public.c (id int PRIMARY KEY, ref int REFERENCES public.t \(keys.c), big text);
            CREATE TABLE public.g (id int PRIMARY KEY, ref int REFERENCES public.c \(keys.g), big text)
            """)
        let link = try link(order)
        try store(
            link,
            order.map { name in
                { set in
                    for id in 1...5 {
                        set.insert([.text("\(id)"), name == "t" ? nil : .text("\(id)"), .text("\(id)\(name)")])
                    }
                    for id in 0..<size { set.insert([.text("\(1000 + id)"), nil, .text("p\(id)")]) }
                }
            })
        return link
    }

    @Test(
        "a row that moves, and what refers to it, takes no other row along, in sets of either size and any order of tables",
        arguments: [0, 100],
        [
            ("ON DELETE CASCADE", "ON DELETE CASCADE"), ("ON UPDATE CASCADE ON DELETE CASCADE", "ON DELETE SET NULL"),
            ("ON DELETE CASCADE DEFERRABLE", "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"),
        ])
    func movedKey(size: Int, keys: (String, String)) throws {
        for order in [["t", "c", "g"], ["g", "c", "t"]] {
            try execute("DROP TABLE IF EXISTS public.g, public.c, public.t")
            try destination.eye.execute("DROP SCHEMA IF EXISTS flow CASCADE")
            let link = try family(keys, size: size, order: order)
            // t: 5 becomes 50, 4 is deleted with what refers to it; c follows, and leaves its large value out.
            let sets: [String: (inout RowBuilder) -> Void] = [
                "t": { set in
                    set.delete([5, nil, nil], movedAway: true)
                    set.update([50, nil, .left], movedFrom: [5, nil, nil])
                    set.delete([4, nil, nil])
                    for id in 0..<size { set.update([.text("\(1000 + id)"), nil, .text("q\(id)")]) }
                },
                "c": { set in
                    set.update([5, 50, .left])
                    set.delete([4, nil, nil])
                    for id in 0..<size { set.update([.text("\(1000 + id)"), nil, "q"]) }
                },
                "g": { set in set.delete([4, nil, nil]) },
            ]
            try store(link, order.compactMap { sets[$0] })
            #expect(
                try destination.rows("SELECT id, ref, left(big, 2) FROM public.t WHERE id < 1000 ORDER BY id")
                    == ["1|~|1t", "2|~|2t", "3|~|3t", "50|~|5t"])
            #expect(
                try destination.rows("SELECT id, ref, left(big, 2) FROM public.c WHERE id < 1000 ORDER BY id")
                    == ["1|1|1c", "2|2|2c", "3|3|3c", "5|50|5c"])
            #expect(
                try destination.rows("SELECT id, ref, left(big, 2) FROM public.g WHERE id < 1000 ORDER BY id")
                    == ["1|1|1g", "2|2|2g", "3|3|3g", "5|5|5g"])
            link.close()
        }
    }

    @Test(
        "rows that the source keeps are never taken along by a cascade: the run stops, and names the foreign key",
        arguments: [0, 100])
    func keptRows(size: Int) throws {
        let link = try family(("ON DELETE CASCADE", "ON DELETE SET NULL"), size: size)
        for gone in [3, 2] {
            // The source has no such foreign key: what refers to the row stays there.
            let error = #expect(throws: RunError.self) {
                try store(
                    link,
                    [
                        { set in
                            set.delete([.text("\(gone)"), nil, nil])
                            for id in 0..<size { set.update([.text("\(1000 + id)"), nil, .text("q\(id)")]) }
                        }, { _ in }, { _ in },
                    ])
            }
            #expect(
                error?.message.contains("foreign key \"c_ref_fkey\" of \"public\".\"c\" (ON DELETE CASCADE)") == true)
            #expect(error?.hint?.contains("GRANT SET ON PARAMETER session_replication_role TO \"\(role)\"") == true)
            #expect(error?.rowFault?.constraint == "c_ref_fkey" && error?.binding == 0)
            link.transactor.rollback()
        }
        #expect(try destination.value("SELECT count(*) FROM public.c WHERE id < 1000") == "5")
        // A table that is emptied alone takes nothing along either.
        let error = #expect(throws: RunError.self) {
            try link.transactor.truncate([0])
            try link.commit()
        }
        #expect(error?.message.contains("c_ref_fkey") == true)
        link.transactor.rollback()
        try link.transactor.truncate([0, 1, 2])
        try link.commit()
        #expect(try rows("t").isEmpty && rows("c").isEmpty && rows("g").isEmpty)
    }

    @Test("what somebody else's table refers to goes with its row, and stays where the row only moved")
    func foreignTable() throws {
        let link = try family(("", ""), size: 0)
        try execute(
            """
            CREATE TABLE public.notes (id int REFERENCES public.g ON DELETE CASCADE); INSERT INTO public.notes VALUES (1), (2)
            """)
        link.close()
        let next = try self.link(["t", "c", "g"])
        try store(next, [{ _ in }, { _ in }, { set in set.delete([1, nil, nil]) }])
        #expect(try destination.rows("SELECT id FROM public.notes") == ["2"])
        let error = #expect(throws: RunError.self) {
            try store(
                next,
                [
                    { _ in }, { _ in },
                    { set in
                        set.delete([2, nil, nil], movedAway: true)
                        set.update([20, 2, .left], movedFrom: [2, nil, nil])
                    },
                ])
        }
        #expect(error?.message.contains("notes_id_fkey") == true)
        next.transactor.rollback()
        #expect(try destination.rows("SELECT id FROM public.notes") == ["2"])
        try destination.eye.execute(
            "REVOKE ALL ON public.notes FROM \(id: role); ALTER TABLE public.notes OWNER TO postgres")
        next.close()
        let refused = #expect(throws: RunError.self) { _ = try self.link(["t", "c", "g"]) }
        #expect(
            refused?.hint?.contains("GRANT SELECT ON \"public\".\"notes\" TO \"\(role)\"") == true,
            "\(String(describing: refused))")
    }

    @Test(
        "foreign keys that are not deferrable hold in sets of several tables, and a table may refer to itself",
        arguments: [0, 100])
    func immediate(size: Int) throws {
        for order in [["t", "c"], ["c", "t"]] {
            try execute("DROP TABLE IF EXISTS public.c, public.t")
            try destination.eye.execute("DROP SCHEMA IF EXISTS flow CASCADE")
            try execute(
                """
                CREATE TABLE public.t (id int PRIMARY KEY, ref int REFERENCES public.t ON DELETE CASCADE, big text UNIQUE);
                CREATE TABLE public.c (id int PRIMARY KEY, ref int REFERENCES public.t ON DELETE RESTRICT, big text)
                """)
            let link = try link(order)
            func store(_ t: @escaping (inout RowBuilder) -> Void, _ c: @escaping (inout RowBuilder) -> Void) throws {
                try self.store(link, order == ["t", "c"] ? [t, c] : [c, t])
            }
            func pad(_ set: inout RowBuilder, _ text: String) {
                for id in 0..<size { set.update([.text("\(1000 + id)"), nil, .text("\(text)\(id)")]) }
            }
            // A tree whose rows come before those above them.
            try store(
                { set in
                    for id in 1...5 { set.insert([.text("\(id)"), id < 5 ? .text("\(id + 1)") : nil, .text("\(id)")]) }
                    pad(&set, "p")
                },
                { set in
                    for id in 1...5 { set.insert([.text("\(id)"), .text("\(id)"), "c"]) }
                    pad(&set, "p")
                })
            // All of the tree but the last, and a row that takes over the value of one that goes.
            try store(
                { set in
                    for id in [4, 1, 3, 2] { set.delete([.text("\(id)"), nil, nil]) }
                    set.insert([7, 5, "1"])
                    pad(&set, "q")
                },
                { set in
                    set.update([2, 7, "c"])
                    for id in [1, 3, 4] { set.delete([.text("\(id)"), nil, nil]) }
                    pad(&set, "q")
                })
            #expect(
                try destination.rows("SELECT id, ref, big FROM public.t WHERE id < 1000 ORDER BY id") == [
                    "5|~|5", "7|5|1",
                ])
            #expect(try destination.rows("SELECT id, ref FROM public.c WHERE id < 1000 ORDER BY id") == ["2|7", "5|5"])
            link.close()
        }
    }

    @Test("what can't be seen to is refused as the table is attached, and planned so")
    func refused() throws {
        try execute(
            """
            CREATE TABLE public.t (id int PRIMARY KEY, ref int, big text UNIQUE);
            CREATE TABLE public.c (id int PRIMARY KEY, ref int, big text REFERENCES public.t (big) ON UPDATE CASCADE)
            """)
        let error = #expect(throws: RunError.self) { _ = try link(["t", "c"]) }
        #expect(
            error?.message.contains("\"c_big_fkey\" of \"public\".\"c\" (ON UPDATE CASCADE)") == true,
            "\(String(describing: error))")
        let checked = destination.materialization { $0.connection.user = role }.check(
            LinkSpec(
                capture: "a", materialization: "acme/warehouse",
                bindings: ["t", "c"].map { .test(Self.shape($0)) }), shapes: [Self.shape("t")])
        #expect(checked.contains { $0.grade == .unmet && $0.message.contains("c_big_fkey") }, "\(checked)")
        // Nobody else's affair: the table alone.
        _ = try link(["t"])
        // A role that may have foreign keys rest, on servers of every version.
        try destination.eye.execute("ALTER ROLE \(id: role) SUPERUSER")
        _ = try TestLink(
            destination.materialization { $0.connection.user = role },
            ["t", "c"].map { (LinkBinding.test(Self.shape($0)), Self.shape($0)) }, capture: "acme/other")
    }
}
