import Connectors
import Glibc
import JSON
import Postgres
import TaskGraph

/// One run of `flowctl setup`: prints the sections of a catalog, or runs them.
struct SetupRun {
    let command: Setup
    let graph: CompiledGraph

    func run() -> ExitStatus {
        do {
            let sections = try SetupSection.all(of: wanted, group: command.role, way: way, platform: platform)
            guard command.apply else {
                let isJSON = command.options.output == .json
                Output.lines(sections.map { isJSON ? $0.json : $0.script }.joined(separator: isJSON ? "" : "\n"))
                if !isJSON { Output.log("then: flowctl check \(command.file)") }
                return .done
            }
            for section in sections { try apply(section) }
            Output.log("then: flowctl check \(command.file)")
            return .done
        } catch let error as RunError {
            Output.log("error: \(error)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
            return ExitStatus(error)
        } catch {
            let hint = (error as? PostgresError)?.hint
            Output.log("error: \(error)" + (hint.map { "\nhint: \($0)" } ?? ""))
            return error is PostgresError ? .unavailable : .internalError
        }
    }

    /// The half that was asked for.
    private var wanted: CompiledGraph {
        var graph = graph
        if command.side == .destination {
            for index in graph.captures.indices { graph.captures[index].isDisabled = true }
        }
        if command.side == .source {
            for index in graph.materializations.indices { graph.materializations[index].isDisabled = true }
        }
        return graph
    }

    /// Printing connects to nothing, and needs no secrets.
    private func way(_ config: JSONValue, _ task: String, _ folder: String) throws -> JSONValue {
        guard command.apply else { return config }
        return try SecretResolution(folder: folder, task: task, run: ChildProcess.output(of:)).resolveWay(config)
    }

    private func platform(_ side: SetupSide, _ connection: ConnectionParameters) throws -> Platform {
        if side == .destination, let platform = command.destinationPlatform { return platform }
        if let platform = command.platform { return platform }
        guard command.apply else { return .selfHosted }
        let admin = try open(side, connection)
        defer { admin.close() }
        return try Platform.detect(admin)
    }

    // MARK: - Running it

    private func open(_ side: SetupSide, _ connection: ConnectionParameters) throws -> Connection {
        let admin = try ConnectionURL.parse((side == .source ? command.sourceAdmin : command.destinationAdmin) ?? "")
        var parameters = connection
        parameters.user = admin.user
        parameters.password = admin.password ?? getenv("PGPASSWORD").map { String(cString: $0) }
        return try Connection(parameters)
    }

    /// All of a section's statements in one transaction: all of it or nothing.
    private func apply(_ section: SetupSection) throws {
        let admin = try open(section.side, section.connection)
        defer { admin.close() }
        let user = section.connection.role
        let isNew = try admin.query("SELECT FROM pg_roles WHERE rolname = $1", [user]).count == 0
        let password = isNew ? try self.password(of: section) : nil
        try admin.execute("BEGIN; SET LOCAL lock_timeout = '30s'")
        for step in section.steps {
            switch step.action {
            case .byHand(let text): tell(section, "by hand", "\(step.purpose): \(text)")
            case .sql(let sql):
                do {
                    try admin.execute("\(raw: sql)")
                } catch let error as PostgresError {
                    let lacksReplication = error.sqlState == "42501" && sql.contains(" REPLICATION;")
                    throw RunError(
                        .needsOperator, operation: "set up", object: "\(section.side.rawValue) of \(section.task)",
                        message: "\(step.purpose): \(error.message); nothing of this half was kept",
                        hint: lacksReplication
                            ? Platform.administratorNeedsReplication
                            : error.hint ?? "run it as a user who may: \(sql)", sqlState: error.sqlState)
                }
                tell(section, "done", step.purpose)
            }
        }
        if let password {
            // Neon wants to see the password itself, to judge it.
            let isNeon = try Platform.detect(admin) == .neon
            let text = isNeon ? password : try admin.passwordVerifier(user: user, password: password)
            try admin.execute("ALTER ROLE \(id: user) PASSWORD \(literal: text)")
            tell(section, "done", "The user's password, from \(section.password)")
        }
        try admin.execute("COMMIT")
    }

    private func password(of section: SetupSection) throws -> String? {
        let tasks =
            graph.captures.map { ($0.name, $0.configFolder, $0.config) }
            + graph.materializations.map { ($0.name, $0.configFolder, $0.config) }
        guard let (name, folder, config) = tasks.first(where: { $0.0 == section.task }) else { return nil }
        let resolved = try SecretResolution(folder: folder, task: name, run: ChildProcess.output(of:)).resolve(config)
        return (resolved["password"] ?? resolved["credentials"]?["password"])?.stringValue
    }

    private func tell(_ section: SetupSection, _ state: String, _ text: String) {
        if command.options.output == .json {
            var object = JSONObject()
            object["side"] = .string(section.side.rawValue)
            object["task"] = .string(section.task)
            object["state"] = .string(state)
            object["message"] = .string(text)
            Output.line(JSONWriter.write(.object(object), .spaced))
        } else {
            Output.line("\(section.side.rawValue) \(section.task)  \(state)  \(text)")
        }
    }
}
