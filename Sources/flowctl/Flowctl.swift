import ArgumentParser

/// `flowctl`: declarative Postgres-to-Postgres change-data pipelines from YAML catalogs.
@main
struct Flowctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flowctl",
        abstract: "Declarative Postgres-to-Postgres change-data pipelines from YAML catalogs kept in git.",
        subcommands: [Validate.self, Test.self, Graph.self, Apply.self, Demo.self, Schema.self, Explain.self])
}
