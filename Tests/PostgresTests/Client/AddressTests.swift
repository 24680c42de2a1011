import Postgres
import Testing

@Suite("addresses") struct AddressTests {
    @Test(
        "every form is read",
        arguments: [
            ("db.example.com", "db.example.com", 5432), ("db:6543", "db", 6543), ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]", "::1", 5432), ("[fe80::1%eth0]:6000", "fe80::1%eth0", 6000), ("::1", "::1", 5432),
            ("/var/run/postgresql", "/var/run/postgresql", 5432), ("/tmp:65535", "/tmp", 65535),
            ("/odd:name", "/odd:name", 5432), ("/odd:name:6000", "/odd:name", 6000),
            ("/with space", "/with space", 5432),
        ])
    func forms(text: String, host: String, port: Int) throws {
        let address = try Address(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(try Address(address.description) == address)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", ":5432", "db:", "db:0", "db:65536", "db:+1", "db:port", "db:99999999999999999999", "db:5432x", "[::1",
            "[]", "[::1]5432", "[::1]:", "a,b",
            "/a,b",
            "user@db", "@abstract", "a b", "postgres://db", "db/x", "d\0b",
        ])
    func refused(text: String) {
        let error = #expect(throws: PostgresError.self) { try Address(text) }
        #expect(error?.message.contains("\"\(text)\"") == true)
    }
}
