import Connectors
import Postgres

/// One check of a source as the capture's user: gathers what it finds; a statement that fails unexpectedly is a finding too.
final class SourceChecking {
    let connection: Connection
    let config: PostgresCaptureConfig
    let platform: Platform
    let server: SourceServer
    var findings: [Prerequisite] = []

    /// The user's quoted name.
    var role: String { "\(Identifier(config.connection.role))" }
    var publication: String { "publication \(Identifier(config.publication))" }

    init(_ connection: Connection, _ config: PostgresCaptureConfig) throws {
        self.connection = connection
        self.config = config
        platform = try Platform.detect(connection)
        server = try SourceServer(connection)
    }

    func add(
        _ grade: Prerequisite.Grade, _ object: String, _ message: String, _ remedy: Prerequisite.Remedy? = nil,
        isOfRole: Bool = false
    ) {
        let found = Prerequisite(
            grade, object, role: isOfRole ? config.connection.role : nil, message, remedy)
        if !findings.contains(found) { findings.append(found) }
    }

    /// Runs one step; what the server says against it is a finding about the object.
    func step(_ object: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch let error as PostgresError {
            try? connection.execute("ROLLBACK")
            add(.unmet, object, "it can't be checked: \(error.message)", error.hint.map { .step($0) })
        } catch let error as RunError {
            try? connection.execute("ROLLBACK")
            add(.unmet, error.object ?? object, error.message, error.hint.map { .step($0) })
        } catch {
            add(.unmet, object, "it can't be checked")
        }
    }

    /// Tries statements in a transaction that is rolled back whatever happens; the server's refusal, or nil.
    func refusal(_ body: () throws -> Void) throws -> PostgresError? {
        try connection.execute("BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '20s'")
        defer { try? connection.execute("ROLLBACK") }
        do {
            try body()
            return nil
        } catch let error as PostgresError where !error.isConnectionLost {
            return error
        }
    }
}

extension PostgresCapture: CheckedCapture {
    public func check(_ links: [LinkSpec], checkpoints: [LinkCheckpoint?]) -> CheckedSource {
        let user = config.connection.role
        var shapes = [TableShape?](repeating: nil, count: tables.count)
        do {
            let connection = try Connection(config.connection)
            defer { connection.close() }
            let checking = try SourceChecking(connection, config)
            checking.step("server") { try ServerCheck(checking: checking).run() }
            checking.step("replication") { try LoginCheck(checking: checking).run() }
            let found = TableCheck(checking: checking, links: links)
            var sources: [TableSource] = []
            for (index, table) in tables.enumerated() {
                checking.step("table \(table.namespace).\(table.stream)") {
                    guard let (source, shape) = try found.run(table, index) else { return }
                    sources.append(source)
                    shapes[index] = shape
                }
            }
            var side = SideTableCheck.Found()
            checking.step("side tables") { side = try SideTableCheck(checking: checking).run() }
            checking.step(checking.publication) { try PublicationCheck(checking: checking, side: side).run(sources) }
            checking.step("slot \"\(config.slot)\"") {
                try SlotCheck(checking: checking, readsAll: tables.allSatisfy(\.isReadWhole)).run(checkpoints)
            }
            checking.step("role \(user)") {
                try ExcessCheck(checking: checking, sideTables: side.present, makesSideTables: !side.own.isEmpty).run(
                    sources)
            }
            return CheckedSource(findings: checking.findings, shapes: shapes)
        } catch {
            return CheckedSource(findings: [LoginCheck.refused(error, config.connection)], shapes: shapes)
        }
    }
}
