import Connectors
import Postgres
import SourcePostgres
import Synchronization
import TaskGraph

/// The connectors of a catalog's tasks, each made as it is first asked for: secrets are resolved, and tunnels opened, once and
/// not at each reading. Safe to use from any thread.
final class StatusConnectors: Sendable {
    private let captures = Mutex<[String: any Capture]>([:])
    private let materializations = Mutex<[String: any Materialization]>([:])

    func capture(_ task: CaptureTask) throws -> any Capture {
        if let known = captures.withLock({ $0[task.name] }) { return known }
        let config = try SecretResolution(folder: task.configFolder, task: task.name, run: ChildProcess.output(of:))
            .resolve(task.config)
        let capture = PostgresCapture(name: task.name, config: try PostgresCaptureConfig(config), tables: [])
        captures.withLock { $0[task.name] = capture }
        return capture
    }

    func materialization(_ task: MaterializationTask) throws -> any Materialization {
        if let known = materializations.withLock({ $0[task.name] }) { return known }
        let materialization = try StatusReading.materialization(task)
        materializations.withLock { $0[task.name] = materialization }
        return materialization
    }

    /// A login was refused: the secret may be another one by now.
    func forget(_ task: String) {
        captures.withLock { $0[task] = nil }
        materializations.withLock { $0[task] = nil }
    }
}
