import CLibPQ
import Glibc

extension Connection {
    /// Connects and logs in. Throws after the parameters' timeout, which holds for all of it.
    ///
    /// libpq's own timeout is per address, and its blocking call can't be told to report SQLSTATEs: only with the verbose
    /// form of its errors, set between the call that makes the connection and those that drive it, is a refused login's
    /// known.
    static func open(_ parameters: ConnectionParameters, isReplication: Bool) throws -> OpaquePointer {
        let operation = "connect to \(parameters.host):\(parameters.port)"
        let files = try TLSFiles(parameters, operation: operation)
        var isSecond = false
        while true {
            let way = try parameters.tunnel?.way(operation: operation, seconds: parameters.connectTimeout)
            let place = parameters.keywords(isReplication: isReplication, tunnelPort: way?.port)
            do {
                return try open(place + files.keywords, operation, seconds: parameters.connectTimeout)
            } catch var error as PostgresError {
                // The tunnel was cut before this connection, and nobody knew yet.
                if !isSecond, let way, parameters.tunnel?.isGone(way, error) == true {
                    isSecond = true
                    continue
                }
                error.message = files.named(error.message)
                if let way, let complaint = parameters.tunnel?.complaint(since: way, operation: operation) {
                    throw complaint
                }
                let isLogin =
                    error.sqlState?.hasPrefix("28") == true || error.message.contains("Tenant or user not found")
                if isLogin, error.hint == nil {
                    error.hint = Platform.loginAdvice(host: parameters.host, user: parameters.user)
                }
                throw TLSFailure.explained(error) {
                    CertificateInquiry.ask(parameters, place, root: files.root)
                }
            }
        }
    }

    private static func open(
        _ pairs: [(String, String)], _ operation: String, seconds: Int
    ) throws -> OpaquePointer {
        let keywords = try CStringArray(pairs.map(\.0), operation: operation)
        let values = try CStringArray(pairs.map(\.1), operation: operation)
        guard let made = PQconnectStartParams(keywords.pointer, values.pointer, 0) else {
            throw PostgresError(operation: operation, message: "out of memory", isConnectionLost: true)
        }
        do {
            PQsetErrorVerbosity(made, PQERRORS_VERBOSE)
            guard PQstatus(made) != CONNECTION_BAD else { throw PostgresError(operation: operation, refused: made) }
            try drive(made, operation, seconds: seconds)
            PQsetErrorVerbosity(made, PQERRORS_DEFAULT)
            return made
        } catch {
            PQfinish(made)
            throw error
        }
    }

    private static func drive(_ made: OpaquePointer, _ operation: String, seconds: Int) throws {
        let start = ContinuousClock.now
        let generation = OpenConnections.generation
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            let left = Duration.seconds(seconds) - (ContinuousClock.now - start)
            guard left > .zero else {
                var error = PostgresError(
                    operation: operation, message: "no answer within \(seconds) s", isConnectionLost: true)
                error.hint = "check the address, and whether a firewall on the way swallows what is sent there"
                throw error
            }
            guard OpenConnections.generation == generation else {
                throw PostgresError(
                    operation: operation, message: "given up, as was asked for, before there was an answer",
                    isConnectionLost: true)
            }
            // The descriptor changes where libpq goes on with another of the host's addresses.
            var waited = pollfd(
                fd: PQsocket(made), events: Int16(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
            let milliseconds = left < .milliseconds(500) ? left.components.attoseconds / 1_000_000_000_000_000 + 1 : 500
            guard poll(&waited, 1, Int32(milliseconds)) > 0 else { continue }
            state = PQconnectPoll(made)
            if state == PGRES_POLLING_FAILED { throw PostgresError(operation: operation, refused: made) }
        }
    }
}
