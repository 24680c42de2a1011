import CLibPQ
import Glibc

/// Statements that are sent before the results of those before them have come (manual, "Pipeline Mode").
///
/// After a statement has failed, the server passes over the others up to the end of the pipeline; an open transaction is
/// aborted. COPY and plain `query` can't be used between `beginPipeline` and `endPipeline`.
extension Connection {
    /// What the statements of a pipeline did.
    public struct PipelineOutcome: Sendable {
        /// Rows that each statement affected or returned, in order, up to the one that failed.
        public var affected: [Int] = []
        /// Whether the last statement committed: a COMMIT of an aborted transaction rolls back and is no failure.
        public var endsInCommit = false
        /// The first failure, and which statement it was of.
        public var failure: (statement: Int, error: PostgresError)?
    }

    public func beginPipeline() throws {
        let handle = try usable()
        guard PQenterPipelineMode(handle) == 1 else {
            throw PostgresError(operation: "begin a pipeline", connection: handle)
        }
    }

    /// Prepares a statement whose parameters have these types (0: the server infers it).
    public func sendPrepare(_ name: String, _ sql: SQL, types: [UInt32]) throws {
        let handle = try usable()
        guard PQsendPrepare(handle, name, try Connection.text(sql), Int32(types.count), types) == 1 else {
            throw PostgresError(operation: Connection.operation(sql), connection: handle)
        }
    }

    /// Runs a prepared statement. The parameters are copied before the call returns.
    public func sendExecute(_ name: String, _ parameters: ParameterBuffer) throws {
        let handle = try usable()
        let isSent = parameters.withValues { values in
            PQsendQueryPrepared(handle, name, Int32(parameters.count), values, nil, nil, 0) == 1
        }
        guard isSent else { throw PostgresError(operation: "execute", connection: handle) }
    }

    /// Runs one statement with parameters. They are copied before the call returns.
    public func send(_ sql: SQL, _ parameters: ParameterBuffer? = nil, types: [UInt32]? = nil) throws {
        let handle = try usable()
        let text = try Connection.text(sql)
        let isSent: Bool
        if let parameters {
            isSent = parameters.withValues { values in
                PQsendQueryParams(handle, text, Int32(parameters.count), types, values, nil, nil, 0) == 1
            }
        } else {
            isSent = PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 0) == 1
        }
        guard isSent else { throw PostgresError(operation: Connection.operation(sql), connection: handle) }
    }

    /// Brings what was sent so far to the server, which runs it; waits for no result.
    public func flush() throws {
        let handle = try usable()
        clock.start()
        defer { clock.end() }
        guard PQflush(handle) >= 0 else { throw PostgresError(operation: "send", connection: handle) }
    }

    /// Waits for the results of everything that was sent since `beginPipeline` and leaves pipeline mode. Throws only where
    /// the connection is lost.
    public func endPipeline() throws -> PipelineOutcome {
        let handle = try usable()
        clock.start()
        defer { clock.end() }
        guard PQpipelineSync(handle) == 1 else { throw PostgresError(operation: "send", connection: handle) }
        var outcome = PipelineOutcome()
        var statement = 0
        // A null comes after each statement's results, and none after the end of the pipeline.
        while true {
            guard let result = PQgetResult(handle) else {
                if isBroken { throw PostgresError(operation: "receive", connection: handle) }
                statement += 1
                continue
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                guard PQexitPipelineMode(handle) == 1 else {
                    throw PostgresError(operation: "end a pipeline", connection: handle)
                }
                return outcome
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                if outcome.failure == nil { outcome.affected.append(Rows.affected(result)) }
                outcome.endsInCommit = PQcmdStatus(result).map { strcmp($0, "COMMIT") == 0 } ?? false
            case PGRES_PIPELINE_ABORTED:
                break
            default:
                let error = PostgresError(operation: "run", result: result, connection: handle)
                if error.isConnectionLost { throw outcome.failure?.error ?? error }
                if outcome.failure == nil { outcome.failure = (statement, error) }
            }
        }
    }
}
