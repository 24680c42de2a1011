import Foundation
import Postgres
import TestSupport
import Testing

@testable import flowctl

@Suite("flowctl check on a standby", .enabled(if: Program.executable != nil))
struct StandbyTests {
    @Test("a real standby is told what it can't be: a destination, and before 16 a source")
    func standby() throws {
        let primary = try LocalServer("check-primary")
        try primary.connect().execute("CREATE TABLE public.orders (id int PRIMARY KEY)")
        let standby = try LocalServer("check-standby", copyOf: primary, isStandby: true)
        let program = try Program()
        defer { program.remove() }
        let config = #"address: "127.0.0.1:\#(standby.port)", user: postgres, password: x"#
        try program.write(
            "flow.yaml",
            """
            captures:
              a/s:
                endpoint: { connector: { image: source-postgres, config: { \(config) } } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: a/orders }]
            collections: { a/orders: { key: [/id] } }
            materializations:
              a/t:
                endpoint: { connector: { image: materialize-postgres, config: { \(config) } } }
                bindings: [{ source: a/orders, resource: { table: copy } }]
            """)
        let run = try program.run(["check", "flow.yaml"])
        #expect(run.status == 69)
        let version = try primary.connect().serverVersion
        #expect(
            run.output.contains("it is a standby, and standbys can be read from version 16 on") == (version < 160_000))
        #expect(run.output.contains(#"publication "flow_publication": there is none, and the role may not make it"#))
        #expect(run.output.contains("server: it is a standby, which takes no writes"))
    }
}
