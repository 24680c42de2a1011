import Connectors
import Postgres

/// One connection that stores rows: its transaction, its pipeline, and what it has prepared. Used by one thread at a time.
///
/// Statements are sent ahead of their results; results are looked at before a COPY and before a commit, so that the server
/// works while the next rows are got ready. After a throw the transaction is lost.
final class RowSession {
    /// Statements that may wait for their results: those of the server take little room, and end by then.
    private static let pipelineLimit = 512
    /// Statements that are kept prepared at most: a table has one for each combination of columns that updates leave out.
    private static let preparedLimit = 500

    /// What must hold of a statement that was sent.
    struct Expectation {
        var scope: ErrorScope
        /// Rows that it must affect.
        var affected: Int?
        /// The error where it affects others, or divides by zero because of it.
        var fault: (() -> RunError)?
    }

    let connection: Connection
    /// Whether foreign keys and ordinary triggers rest.
    let isReplica: Bool
    let parameters = ParameterBuffer()
    let copyBuffer: CopyBuffer
    /// By binding.
    let tables: TableRegister

    private(set) var isInTransaction = false
    private var isPipelined = false
    private var expectations: [Expectation] = []
    private var statements = StatementCache()
    var stages = StageCache()
    var plans: [Int: [StorePlan]] = [:]
    /// By binding: how its rows wait that go when the open transaction ends.
    var held: [Int: HeldStatements] = [:]
    private var plansMade = 0
    private let scope: ErrorScope
    /// Shows the link's watch what is done.
    let watched: LockWatch.Session?

    init(
        _ opened: DestinationConnection.Opened, tables: TableRegister, scope: ErrorScope,
        watched: LockWatch.Session? = nil
    ) {
        self.watched = watched
        connection = opened.connection
        isReplica = opened.isReplica
        copyBuffer = CopyBuffer(opened.connection)
        self.tables = tables
        self.scope = scope
    }

    var serverHasMerge: Bool { connection.serverVersion >= 150_000 && !tables.avoidsMerge }

    // MARK: - The transaction

    /// Opens the transaction, unless it is.
    func begin() throws {
        guard !isInTransaction else { return }
        guard isReplica || !tables.isReplica else {
            // What was known of the tables isn't what holds in this session.
            throw scope.error(.transient, "the user's right to set session_replication_role was taken away")
        }
        isInTransaction = true
        try send("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", scope)
        if !isReplica { try send("SET CONSTRAINTS ALL DEFERRED", scope) }
    }

    /// Commits after everything that was sent; returns when it is durable.
    ///
    /// Where every check is one that the server makes by itself, COMMIT travels with the statements: it is passed over when
    /// one of them fails. Else their results are looked at first. The COMMIT never fills the pipeline: its result must be
    /// the one that is looked at here.
    func commit(_ scope: ErrorScope) throws {
        try releaseHeld()
        let fillsPipeline = expectations.count + 1 >= RowSession.pipelineLimit
        if fillsPipeline || expectations.contains(where: { $0.affected != nil }) { try drain() }
        try send("COMMIT", scope)
        guard try drain() else { throw scope.error(.internal, "the transaction was rolled back") }
        isInTransaction = false
        stages.committed()
    }

    /// Gives the transaction up. The session can be used again unless its connection is lost.
    func rollback() {
        copyBuffer.discard()
        if isPipelined {
            _ = try? connection.endPipeline()
            isPipelined = false
            expectations.removeAll()
        }
        statements.forgetUnconfirmed()
        held.removeAll()
        if isInTransaction {
            try? connection.execute("ROLLBACK")
            isInTransaction = false
        }
        stages.rolledBack()
    }

    // MARK: - The pipeline

    /// Sends a statement. `affected`: rows that it must affect, else `fault`.
    func send(_ sql: SQL, _ scope: ErrorScope, affected: Int? = nil, fault: (() -> RunError)? = nil) throws {
        try scope.rethrowing {
            try enterPipeline()
            try connection.send(sql)
        }
        try expect(Expectation(scope: scope, affected: affected, fault: fault))
    }

    /// Sends a statement of the link's record. It divides by zero where it must not go on: `fault` says why.
    func send(_ statement: LinkStatements.Statement, _ scope: ErrorScope, fault: (() -> RunError)? = nil) throws {
        parameters.removeAll()
        for value in statement.parameters {
            if let value { parameters.append(value) } else { parameters.appendNull() }
        }
        try execute(statement.sql.text, scope, fault: fault) {
            RowStatements.Prepared(sql: statement.sql, types: [])
        }
    }

    /// Sends a prepared statement with the session's `parameters`; prepares it first where `key` is new to the session.
    func execute(
        _ key: String, _ scope: ErrorScope, affected: Int? = nil, fault: (() -> RunError)? = nil,
        make: () -> RowStatements.Prepared
    ) throws {
        let name = try statements.names[key] ?? prepare(key, make(), scope)
        try scope.rethrowing {
            try enterPipeline()
            try connection.sendExecute(name, parameters)
        }
        try expect(Expectation(scope: scope, affected: affected, fault: fault))
    }

    private func prepare(_ key: String, _ statement: RowStatements.Prepared, _ scope: ErrorScope) throws -> String {
        if statements.names.count >= RowSession.preparedLimit {
            try send("DEALLOCATE ALL", scope)
            statements.removeAll()
        }
        let name = statements.add(key)
        try scope.rethrowing {
            try enterPipeline()
            try connection.sendPrepare(name, statement.sql, types: statement.types)
        }
        try expect(Expectation(scope: scope))
        return name
    }

    /// Brings what was sent to the server.
    func flush() throws {
        guard isPipelined else { return }
        try scope.rethrowing { try connection.flush() }
    }

    private func enterPipeline() throws {
        guard !isPipelined else { return }
        try connection.beginPipeline()
        isPipelined = true
    }

    private func expect(_ expectation: Expectation) throws {
        expectations.append(expectation)
        if expectations.count >= RowSession.pipelineLimit { try drain() }
    }

    /// Waits for the results of everything that was sent, and checks them. Returns whether the last of it was a commit.
    @discardableResult
    func drain() throws -> Bool {
        guard isPipelined else { return false }
        let waiting = expectations
        expectations.removeAll(keepingCapacity: true)
        isPipelined = false
        watched?.doing = (waiting.first { $0.scope.binding != nil } ?? waiting.last)?.scope ?? scope
        let outcome: Connection.PipelineOutcome
        do {
            outcome = try connection.endPipeline()
        } catch let error as PostgresError {
            throw (waiting.last?.scope ?? scope).error(error)
        }
        if let (statement, error) = outcome.failure {
            statements.forgetUnconfirmed()
            let expectation = statement < waiting.count ? waiting[statement] : Expectation(scope: scope)
            if error.sqlState == "22012", let fault = expectation.fault { throw fault() }
            throw expectation.scope.error(error)
        }
        statements.confirm()
        for (affected, expectation) in zip(outcome.affected, waiting) {
            if let wanted = expectation.affected, wanted != affected {
                throw expectation.fault?()
                    ?? expectation.scope.error(.internal, "a statement affected other rows than meant")
            }
        }
        return outcome.endsInCommit
    }

    // MARK: - Statements that are waited for

    /// Runs a COPY of the rows that `write` puts into the copy buffer.
    func copy(_ sql: SQL, _ scope: ErrorScope, _ write: (CopyBuffer) throws -> Void) throws {
        try drain()
        watched?.doing = scope
        try scope.rethrowing {
            try connection.beginCopyIn(sql)
            do {
                try write(copyBuffer)
                try copyBuffer.flush()
            } catch {
                copyBuffer.discard()
                connection.failCopyIn("given up")
                throw error
            }
            try connection.endCopyIn()
        }
    }

    // MARK: - What is prepared

    /// The plan for a shape, made anew when the table was changed: what was prepared for the old layout goes.
    func plan(for shape: TableShape, of table: BoundTable) throws -> StorePlan {
        var known = plans[table.number] ?? []
        if let first = known.first, first.generation != table.layout.generation {
            plans[table.number] = nil
            known = []
            try forget(table.number)
        }
        if let plan = known.first(where: { $0.shape === shape }) { return plan }
        if known.count >= 4 {
            known.removeAll()
            try forget(table.number)
        }
        plansMade += 1
        let plan = try table.plan(for: shape, serial: plansMade)
        known.insert(plan, at: 0)
        plans[table.number] = known
        return plan
    }

    /// Drops the statements and staging tables of a binding.
    private func forget(_ binding: Int) throws {
        for name in statements.remove(prefix: RowSession.keyPrefix(binding)) {
            try send("DEALLOCATE \(id: name)", scope)
        }
        for name in stages.remove(binding: binding) { try send("DROP TABLE pg_temp.\(id: name)", scope) }
    }

    /// What the keys of a binding's prepared statements begin with.
    private static func keyPrefix(_ binding: Int) -> String { "\(binding):" }

    /// What the keys of a plan's prepared statements begin with.
    static func keyPrefix(_ binding: Int, _ plan: StorePlan) -> String { "\(keyPrefix(binding))\(plan.serial):" }
}
