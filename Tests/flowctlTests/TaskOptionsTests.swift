import Foundation
import Testing

@Suite("the tasks that a command is told to work on", .enabled(if: Program.executable != nil))
struct TaskOptionsTests {
    private static let catalog = """
        captures:
          shop/source:
            endpoint: { connector: { image: source-postgres, config: { address: "127.0.0.1:1", password: p } } }
            bindings: [ { resource: { namespace: public, stream: t }, target: shop/t } ]
        collections: { shop/t: { key: [/id] } }
        materializations:
          shop/warehouse:
            endpoint: { connector: { image: materialize-postgres, config: { address: "127.0.0.1:1", user: u, password: p, database: w } } }
            bindings: [ { source: shop/t, resource: { table: t } } ]
        """

    private func run(_ arguments: [String]) throws -> Program.Outcome {
        let program = try Program()
        defer { program.remove() }
        try program.write("flow.yaml", Self.catalog)
        return try program.run(arguments)
    }

    @Test("a name that no task has is a usage error with the nearest name", arguments: ["apply", "status", "check"])
    func unknown(command: String) throws {
        let outcome = try run([command, "--task", "shop/sorce", "flow.yaml"])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("no task 'shop/sorce'; did you mean 'shop/source'?"))
        #expect(
            try run([command, "--task", "nosuch", "flow.yaml"]).errors.contains("'shop/source' and 'shop/warehouse'"))
    }

    @Test(
        "a task that can move nothing by itself is a usage error that says what is lacking",
        arguments: [("shop/source", "shop/warehouse"), ("shop/warehouse", "shop/source")])
    func alone(task: String, lacking: String) throws {
        let outcome = try run(["apply", "--once", "flow.yaml", "--task", task])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("'\(task)' can't run alone") && outcome.errors.contains("'\(lacking)'"))
    }

    @Test(
        "the option takes one value or names with commas, and leaves the file alone",
        arguments: [
            ["--task", "shop/source", "--task", "shop/warehouse", "flow.yaml"],
            ["flow.yaml", "--task", "shop/source,shop/warehouse"],
        ])
    func forms(arguments: [String]) throws {
        // A port that nothing listens on: what runs at all ends with 69 or 75.
        let outcome = try run(["status"] + arguments)
        #expect(outcome.status != 64, "\(outcome.errors)")
    }

    @Test("two names after one option are a usage error, not a file")
    func twoNames() throws {
        let outcome = try run(["apply", "--task", "shop/source", "shop/warehouse", "flow.yaml"])
        #expect(outcome.status == 64 && outcome.errors.contains("Unexpected argument 'flow.yaml'"))
    }
}
