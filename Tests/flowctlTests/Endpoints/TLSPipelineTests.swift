import Foundation
import Postgres
import TestSupport
import Testing

@Suite("a pipeline over TLS", .enabled(if: Certificates.program != nil), .timeLimit(.minutes(10)))
struct TLSPipelineTests {
    @Test("client certificates at both ends, in PEM or as files; what is wrong ends the run with 69 at its line")
    func pipeline() throws {
        let certificates = try Certificates()
        try certificates.makeAuthority("authority")
        try certificates.makeAuthority("stranger")
        try certificates.make("server", common: "localhost", names: "DNS:localhost", by: "authority")
        try certificates.make("client", common: "postgres", by: "authority")
        let rules = certificates.path("rules")
        // The test itself comes over the socket.
        try "local all all trust\nhostssl all all all cert\nhost all postgres 127.0.0.1/32 trust\n"
            .write(toFile: rules, atomically: true, encoding: .utf8)
        let settings = try certificates.settings("server", clients: "authority") + [("hba_file", rules)]
        let server = try LocalServer("certified", settings: settings)
        defer { server.remove() }
        try server.connect().execute("CREATE DATABASE shop")
        try server.connect().execute("CREATE DATABASE warehouse")
        func inside(_ database: String) -> ConnectionParameters {
            ConnectionParameters(host: server.folder, port: server.port, database: database, user: "postgres")
        }
        let table = try OneTable(inside("shop"), inside("warehouse"), rows: 100)
        for file in ["authority.crt", "stranger.crt", "client.crt", "client.key"] {
            try FileManager.default.copyItem(
                at: certificates.folder.appending(path: file), to: table.folder.appending(path: file))
        }
        let address = "localhost:\(server.port)"
        let quoted = try certificates.text("authority.crt").replacing("\n", with: "\\n")
        let files = "sslmode: verify-full, sslrootcert: authority.crt, sslcert: client.crt, sslkey: client.key"
        let text =
            "sslmode: verify-full, sslrootcert: \"\(quoted)\", sslcert: { file: client.crt }, sslkey: { env: KEY }"
        let environment = ["KEY": try certificates.text("client.key")]
        func apply(_ source: String, _ destination: String, to host: String? = nil) throws -> FlowctlProcess.Outcome {
            try table.write(
                destination: ["advanced: { \(destination) }"], advanced: ", " + source,
                sourceAddress: host.map { "\($0):\(server.port)" } ?? address, destinationAddress: address)
            return try FlowctlProcess.run(["apply", "--once", table.catalog], environment: environment)
        }
        func expect(_ outcome: FlowctlProcess.Outcome, line: Int, _ words: String...) throws {
            #expect(outcome.exitCode == 69 && outcome.errors.contains("flow.yaml:\(line):"), "\(outcome)")
            for word in words { #expect(outcome.errors.contains(word), "\(word) in \(outcome)") }
            #expect(!outcome.errors.contains("BEGIN") && !outcome.errors.contains("retry"), "\(outcome)")
            #expect(try table.isUntouched())
        }
        let without = "sslmode: verify-full, sslrootcert: authority.crt"
        let foreign = files.replacing("authority.crt", with: "stranger.crt")
        try expect(
            try apply(files, files, to: "127.0.0.1"), line: OneTable.sourceLine,
            "does not match host name \"127.0.0.1\"",
            "hint: name the server in the address")
        try expect(
            try apply(foreign, text), line: OneTable.sourceLine, "is not trusted: ",
            "hint: set advanced.sslrootcert")
        try expect(
            try apply(files, foreign), line: OneTable.destinationLine, "is not trusted: ",
            "hint: set advanced.sslrootcert")
        try expect(
            try apply(without, files), line: OneTable.sourceLine, "requires a valid client certificate",
            "hint: set advanced.sslcert")
        try expect(
            try apply(files, without), line: OneTable.destinationLine, "requires a valid client certificate",
            "hint: set advanced.sslcert")
        try expect(
            try apply(files + "x", files), line: OneTable.sourceLine, "private key", "hint: ")
        let done = try apply(files, text)
        #expect(done.exitCode == 0, "\(done)")
        #expect(try table.difference().rows == 100 && table.difference().isEmpty)
        let other = try apply(text, files)
        #expect(other.exitCode == 0, "\(other)")
        try FileManager.default.removeItem(at: table.folder)
    }
}
