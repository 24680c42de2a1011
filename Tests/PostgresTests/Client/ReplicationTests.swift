import Postgres
import TestSupport
import Testing

@Suite("streams of a slot") struct ReplicationTests {
    @Test("changes arrive whole and in order, and what is confirmed stays confirmed")
    func stream() throws {
        let database = try TestServer.source.database("stream")
        let admin = try Connection(database)
        let slot = database.database
        try admin.execute("CREATE TABLE public.t (id int PRIMARY KEY, v text)")
        _ = try admin.query("SELECT pg_create_logical_replication_slot(\(literal: slot), 'test_decoding')")
        let stream = try Connection(replicationConnectionTo: database)
        try stream.startReplication(
            slot: slot, at: LSN(0), options: [("include-xids", "0"), ("skip-empty-xacts", "1")])

        try admin.execute("INSERT INTO public.t VALUES (1, 'one'), (2, repeat('x', 1 << 20))")
        try admin.execute("UPDATE public.t SET v = 'it''s' WHERE id = 1; DELETE FROM public.t WHERE id = 2")
        var changes: [String] = []
        let isDone = try eventually(seconds: 60) {
            try stream.waitReadable(milliseconds: 100)
            while try stream.receiveReplication({ frame in
                // XLogData: a letter, three numbers of 8 bytes, the plugin's bytes.
                guard frame.first == UInt8(ascii: "w"), frame.count > 25 else { return }
                changes.append(String(decoding: frame[25...], as: UTF8.self))
            }) {}
            return changes.filter { $0 == "COMMIT" }.count == 2
        }
        #expect(isDone)
        let table = "table public.t: "
        let expected = [
            "BEGIN", table + "INSERT: id[integer]:1 v[text]:'one'",
            table + "INSERT: id[integer]:2 v[text]:'" + String(repeating: "x", count: 1 << 20) + "'", "COMMIT", "BEGIN",
            table + "UPDATE: id[integer]:1 v[text]:'it''s'", table + "DELETE: id[integer]:2", "COMMIT",
        ]
        #expect(changes.map { $0.prefix(80) } == expected.map { $0.prefix(80) })
        #expect(changes == expected)

        let end = try #require(try admin.query("SELECT pg_current_wal_insert_lsn()")[0, 0].flatMap { LSN($0) })
        try stream.sendStandbyStatus(end, requestReply: true)
        let isConfirmed = try eventually(seconds: 60) {
            try admin.query(
                """
                SELECT confirmed_flush_lsn >= \(literal: end.description)::pg_lsn FROM pg_replication_slots
                WHERE slot_name = \(literal: slot)
                """)[0, 0] == "t"
        }
        #expect(isConfirmed)
        stream.close()

        try admin.execute("INSERT INTO public.t VALUES (3, 'later')")
        var later: [String] = []
        let hasLater = try eventually(seconds: 60) {
            let rows = try admin.query("SELECT active FROM pg_replication_slots WHERE slot_name = \(literal: slot)")
            guard rows[0, 0] == "f" else { return false }
            let peeked = try admin.query(
                """
                SELECT data FROM pg_logical_slot_peek_changes(\(literal: slot), NULL, NULL, 'include-xids', '0',
                    'skip-empty-xacts', '1')
                """)
            later = (0..<peeked.count).compactMap { peeked[$0, 0] }
            return true
        }
        #expect(hasLater)
        #expect(later == ["BEGIN", table + "INSERT: id[integer]:3 v[text]:'later'", "COMMIT"])
        try TestServers.drop(database)
    }

    @Test("a slot that is not there asks for an operator, and one in use is a passing failure")
    func refusals() throws {
        let database = try TestServer.source.database("slotless")
        let slot = database.database
        let missing = #expect(throws: PostgresError.self) {
            try Connection(replicationConnectionTo: database)
                .startReplication(slot: "not_there", at: LSN(0), options: [])
        }
        #expect(missing?.kind == .needsOperator)
        _ = try Connection(database).query(
            "SELECT pg_create_logical_replication_slot(\(literal: slot), 'test_decoding')")
        let first = try Connection(replicationConnectionTo: database)
        try first.startReplication(slot: slot, at: LSN(0), options: [])
        let second = try Connection(replicationConnectionTo: database)
        let busy = #expect(throws: PostgresError.self) {
            try second.startReplication(slot: slot, at: LSN(0), options: [])
        }
        #expect(busy?.kind == .transient)
        #expect(busy?.sqlState == "55006")
        try TestServers.drop(database)
    }
}
