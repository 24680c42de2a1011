import Postgres
import Testing

@Suite("addresses") struct AddressTests {
    @Test(
        "an address has a host and a port, 5432 unless it says another",
        arguments: [
            ("db", "db", 5432), ("db.example.org:6000", "db.example.org", 6000), ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]", "::1", 5432), ("[fe80::1]:65535", "fe80::1", 65535), ("::1", "::1", 5432),
            ("/var/run/postgresql", "/var/run/postgresql", 5432), ("/tmp/s:5433", "/tmp/s", 5433),
        ])
    func parsed(text: String, host: String, port: Int) throws {
        let address = try Address(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(try Address(address.description) == address)
    }

    @Test(
        "what is no address is quoted in the error",
        arguments: ["", ":5432", "db:", "db:0", "db:65536", "db:port", "[::1]5432", "[]:1", "db:99999999999999999999"])
    func refused(text: String) throws {
        let error = #expect(throws: PostgresError.self) { try Address(text) }
        #expect(error?.message.contains("\"\(text)\"") == true)
    }
}
