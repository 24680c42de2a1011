import Postgres
import TestSupport
import Testing

@Suite("log sequence numbers") struct LSNTests {
    @Test(
        "a position reads what it prints, as the server prints it",
        arguments: [
            ("0/0", 0), ("16/B374D848", 0x16_B374_D848), ("FFFFFFFF/FFFFFFFF", UInt64.max), ("1/0", 1 << 32),
            ("0/FFFFFFFF", 0xFFFF_FFFF),
        ] as [(String, UInt64)])
    func roundTrip(text: String, value: UInt64) throws {
        #expect(LSN(text)?.rawValue == value)
        #expect(LSN(value).description == text)
        let server = try Connection(LSNTests.database.get())
        #expect(try server.query("SELECT \(literal: text)::pg_lsn::text")[0, 0] == text)
    }

    @Test(
        "anything but two hexadecimal halves is no position",
        arguments: ["", "/", "0", "0/", "/0", "0/0/0", "G/0", "+1/0", "0/-1", " 0/0", "123456789/0", "0/000000001"])
    func refused(text: String) throws {
        #expect(LSN(text) == nil)
        let server = try Connection(LSNTests.database.get())
        // The server's parser skips no space and takes no sign either.
        #expect(throws: PostgresError.self) { try server.query("SELECT \(literal: text)::pg_lsn") }
    }

    @Test("positions are ordered as numbers, not as text")
    func order() throws {
        let positions = try ["0/9", "0/10", "9/0", "10/0"].map { try #require(LSN($0)) }
        #expect(positions == positions.shuffled().sorted())
    }

    static let database = Result { try TestServer.source.database("lsn") }
}
