import Connectors
import JSON
import MaterializePostgres
import Postgres
import SourcePostgres
import TaskGraph

/// The steps for one task's database.
struct SetupSection {
    var side: SetupSide
    var task: String
    var connection: ConnectionParameters
    var steps: [SetupStep]
    /// Where the user's password comes from, as the catalog says it.
    var password: String

    /// One for each enabled task. Needs no secrets.
    ///
    /// `way` makes of a task's config, its name and its folder the one that its server is reached by.
    static func all(
        of graph: CompiledGraph, group: String?, way: (JSONValue, String, String) throws -> JSONValue,
        platform: (SetupSide, ConnectionParameters) throws -> Platform
    ) throws -> [SetupSection] {
        var sections: [SetupSection] = []
        for task in graph.captures where !task.isDisabled {
            let config = try PostgresCaptureConfig(way(task.config, task.name, task.configFolder))
            let tables = task.bindings.filter { !$0.isDisabled }.map {
                CapturedTable(namespace: $0.namespace, stream: $0.stream)
            }
            let setup = SourceSetup(
                config: config, tables: tables, platform: try platform(.source, config.connection), group: group)
            sections.append(
                SetupSection(
                    side: .source, task: task.name, connection: config.connection, steps: setup.steps,
                    password: secret(task.config)))
        }
        for (index, task) in graph.materializations.enumerated() where !task.isDisabled {
            let config = try PostgresMaterialization.Config(way(task.config, task.name, task.configFolder))
            let setup = DestinationSetup(
                config: config, tables: tables(of: index, graph),
                platform: try platform(.destination, config.connection), group: group)
            sections.append(
                SetupSection(
                    side: .destination, task: task.name, connection: config.connection, steps: setup.steps,
                    password: secret(task.config)))
        }
        return sections
    }

    private static func tables(of index: Int, _ graph: CompiledGraph) -> [DestinationSetup.Table] {
        let task = graph.materializations[index]
        return task.bindings.enumerated().filter { !$0.element.isDisabled }.map { place, binding in
            var source = binding.schema
            for link in graph.links where link.materialization == index {
                for pair in link.pairs where pair.materializationBinding == place {
                    source = graph.captures[link.capture].bindings[pair.captureBinding].namespace
                }
            }
            let mode = binding.resource["insertMode"]?.stringValue ?? task.config["insertMode"]?.stringValue
            return DestinationSetup.Table(
                name: QualifiedName(binding.schema, binding.table), isDelta: binding.deltaUpdates || mode == "insert",
                sourceSchema: source)
        }
    }

    private static func secret(_ config: JSONValue) -> String {
        let value = config["password"] ?? config["credentials"]?["password"]
        if let name = value?["env"]?.stringValue { return "the environment variable \(name)" }
        if let file = value?["file"]?.stringValue { return "the file \(file)" }
        if value?["exec"] != nil { return "a command" }
        return "the catalog itself"
    }

    /// A script for psql or a console, with what is to be done by hand as comments at its head.
    var script: String {
        var lines = [
            "-- \(side.rawValue): \(side == .source ? "capture" : "materialization") \(task)",
            "-- To be run in database \(Identifier(connection.database)) at \(connection.host):\(connection.port), as an "
                + "administrator" + (side == .source ? " who owns the captured tables or is a superuser." : "."), "--",
        ]
        let byHand = steps.compactMap { step -> String? in
            if case .byHand(let text) = step.action { "\(step.purpose): \(text)" } else { nil }
        }
        // psql folds a bare name to lower case.
        let isBare = connection.role.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
        let role = isBare ? connection.role : Identifier(connection.role).quoted
        let password =
            "The catalog takes the password from \(password); give the new role the same one, in psql: "
            + "\\password \(role)"
        lines.append("-- By hand:")
        for (number, text) in (byHand + [password]).enumerated() {
            let wrapped = Paragraph.wrap(text, width: 108).split(whereSeparator: \.isNewline)
            for (place, line) in wrapped.enumerated() {
                lines.append("-- " + (place == 0 ? "\(number + 1). " : "   ") + line)
            }
        }
        for step in steps {
            guard case .sql(let sql) = step.action else { continue }
            lines += ["", "-- \(step.purpose)", sql]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One object a step.
    var json: String {
        steps.map { step in
            var object = JSONObject()
            object["side"] = .string(side.rawValue)
            object["task"] = .string(task)
            object["database"] = .string(connection.database)
            object["purpose"] = .string(step.purpose)
            switch step.action {
            case .sql(let sql): object["sql"] = .string(sql)
            case .byHand(let text): object["step"] = .string(text)
            }
            return JSONWriter.write(.object(object), .spaced) + "\n"
        }.joined()
    }
}
