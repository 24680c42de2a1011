import Postgres
import TestSupport
import Testing

@Suite("streams of pgoutput") struct PgOutputStreamTests {
    /// A source with a table, a publication and a slot of names that need quoting.
    private struct Stream {
        static let publication = "it's \"my\\pub"
        let database: ConnectionParameters
        let admin: Connection
        let slot: String

        init(_ name: String) throws {
            database = try TestServer.source.database(name)
            slot = database.database
            admin = try Connection(database)
            try admin.execute("CREATE TABLE public.t (id int PRIMARY KEY, body text)")
            try admin.execute("CREATE PUBLICATION \(id: Self.publication) FOR ALL TABLES")
            try admin.execute("SELECT pg_create_logical_replication_slot(\(literal: slot), 'pgoutput')")
        }

        func start(at position: LSN = LSN(0)) throws -> Connection {
            let connection = try Connection(replicationConnectionTo: database)
            try connection.startReplication(
                slot: slot, at: position,
                options: [("proto_version", "1"), ("publication_names", Identifier(Self.publication).quoted)])
            return connection
        }

        func drop() throws {
            let isDropped = eventually(seconds: 60) {
                (try? admin.execute("SELECT pg_drop_replication_slot(\(literal: slot))")) != nil
            }
            #expect(isDropped)
        }

        /// The position up to which the slot keeps nothing any more.
        func confirmed() throws -> LSN? {
            let rows = try admin.query(
                "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = \(literal: slot)")
            return rows[0, 0].flatMap { LSN($0) }
        }
    }

    private func receive(
        _ connection: Connection, until isDone: (UnsafeRawBufferPointer) throws -> Bool
    ) throws -> Bool {
        var found = false
        return try eventually(seconds: 60) {
            try connection.waitReadable(milliseconds: 100)
            _ = try connection.receiveReplication { found = try isDone($0) || found }
            return found
        }
    }

    @Test("changes come as frames, keepalives answer, and what is acknowledged is the slot's position")
    func changes() throws {
        let stream = try Stream("changes")
        let connection = try stream.start()
        try stream.admin.execute("INSERT INTO public.t SELECT n, 'row ' || n FROM generate_series(1, 100) n")
        var kinds = ""
        var end = LSN(0)
        let isWhole = try receive(connection) { frame in
            guard frame.count > 25, frame[0] == UInt8(ascii: "w") else { return false }
            kinds.unicodeScalars.append(Unicode.Scalar(frame[25]))
            guard frame[25] == UInt8(ascii: "C") else { return false }
            end = LSN(UInt64(bigEndian: frame.loadUnaligned(fromByteOffset: 25 + 10, as: UInt64.self)))
            return true
        }
        #expect(isWhole)
        #expect(kinds == "BR" + String(repeating: "I", count: 100) + "C")
        try connection.sendStandbyStatus(end, requestReply: true)
        let isAnswered = try receive(connection) { $0[0] == UInt8(ascii: "k") }
        #expect(isAnswered)
        let isConfirmed = try eventually(seconds: 60) { try stream.confirmed() == end }
        #expect(isConfirmed)
        connection.close()
        try stream.drop()
    }

    @Test("the end of the session comes as the server's reason, after the frames before it")
    func ended() throws {
        let stream = try Stream("endedstream")
        let connection = try stream.start()
        try stream.admin.execute("INSERT INTO public.t VALUES (1, 'x')")
        #expect(try stream.admin.query("SELECT pg_terminate_backend(\(connection.backendPID), 60000)")[0, 0] == "t")
        var inserts = 0
        let error = #expect(throws: PostgresError.self) {
            _ = try receive(connection) { frame in
                if frame.count > 25, frame[25] == UInt8(ascii: "I") { inserts += 1 }
                return false
            }
        }
        #expect(error?.kind == .transient)
        #expect(error?.isConnectionLost == true)
        #expect(inserts <= 1)
        try stream.drop()
    }

    @Test("a wait ends at once when the wake descriptor is readable")
    func waiting() throws {
        let stream = try Stream("waiting")
        let connection = try stream.start()
        let pipe = try Pipe()
        pipe.signal()
        let start = ContinuousClock.now
        // The server sends a keepalive now and then, of itself; between two of them nothing comes.
        var isReadable = true
        for _ in 0..<1000 where isReadable {
            isReadable = try connection.waitReadable(milliseconds: 300_000, wakeDescriptor: pipe.readEnd)
            if isReadable { _ = try connection.receiveReplication { _ in } }
        }
        #expect(!isReadable)
        #expect(ContinuousClock.now - start < .seconds(120))
        connection.close()
        try stream.drop()
    }
}
