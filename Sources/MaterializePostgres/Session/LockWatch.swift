import Connectors
import Glibc
import Postgres
import Synchronization

/// Says who holds up a link's statements at the destination, and ends sessions of the link's older runners that do.
///
/// A thread that looks at clocks once a second and asks the server, on a connection of its own, only while a statement has
/// been waited for longer than usual. What it finds is said once for each who holds something up, then once a minute.
final class LockWatch: Sendable {
    /// Milliseconds: that a statement has been waited for before the server is asked, between two questions, that the same
    /// are seen to hold a statement up before it is said, and between two times that it is said.
    private static let usual: Int64 = 5_000
    private static let interval: Int64 = 3_000
    private static let patience: Int64 = 6_000
    private static let silence: Int64 = 60_000

    /// One of the link's sessions.
    final class Session: Sendable {
        /// Nil until it has the link's lock.
        let process: Mutex<String?>
        let clock: WaitClock
        /// What it does.
        private let scope: Mutex<ErrorScope>

        init(_ connection: Connection, _ scope: ErrorScope) {
            process = Mutex(nil)
            clock = connection.clock
            self.scope = Mutex(scope)
        }

        var doing: ErrorScope {
            get { scope.withLock { $0 } }
            set { scope.withLock { $0 = newValue } }
        }
    }

    private let config: PostgresMaterialization.Config
    private let lock: LinkLock
    private let fences: HeldFences
    private let hear: @Sendable (StatusFinding) -> Void
    private let sessions = Mutex<[Session]>([])
    private let stop = StopSignal()

    init(
        _ config: PostgresMaterialization.Config, _ lock: LinkLock, _ fences: HeldFences,
        hear: @escaping @Sendable (StatusFinding) -> Void
    ) {
        self.config = config
        self.lock = lock
        self.fences = fences
        self.hear = hear
        start()
    }

    /// Watches a session whose process is known already, or will be.
    func add(_ connection: Connection, _ scope: ErrorScope) throws -> Session {
        let session = Session(connection, scope)
        let process = try connection.query("SELECT pg_backend_pid()")[0, 0]
        session.process.withLock { $0 = process }
        sessions.withLock { $0.append(session) }
        return session
    }

    /// Marks a session as one of the link's.
    func mark(_ connection: Connection) throws {
        _ = try lock.take(connection)
    }

    func remove(_ session: Session) {
        sessions.withLock { $0.removeAll { $0 === session } }
    }

    func end() {
        stop.request()
    }

    // MARK: - The thread

    private func start() {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let made = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<LockWatch>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        // Without it nothing is said, and all else goes on.
        guard made == 0 else { return argument.release() }
        pthread_detach(thread)
    }

    /// What was found of one wait.
    private struct Wait {
        var asked: Int64
        var roots: [String] = []
        var since: Int64 = 0
        var said: Int64?
    }

    private func run() {
        var waits: [ObjectIdentifier: Wait] = [:]
        var connection: Connection?
        defer { connection?.close() }
        while !stop.wait(milliseconds: 1000) {
            let now = WaitClock.now
            let long = sessions.withLock { $0 }.filter { now - ($0.clock.waitingSince ?? now) >= LockWatch.usual }
            let names = Set(long.map { ObjectIdentifier($0) })
            waits = waits.filter { names.contains($0.key) }
            if long.isEmpty {
                connection?.close()
                connection = nil
            }
            for session in long {
                var wait = waits[ObjectIdentifier(session)] ?? Wait(asked: now - LockWatch.interval)
                guard now - wait.asked >= LockWatch.interval else { continue }
                wait.asked = now
                do {
                    let known = try connection ?? DestinationConnection.watching(config, session.doing)
                    connection = known
                    try look(at: session, &wait, now, known)
                } catch {
                    // Asked again later: the wait is no worse for it.
                    connection?.close()
                    connection = nil
                    wait.asked = now + LockWatch.interval
                }
                waits[ObjectIdentifier(session)] = wait
            }
        }
    }

    private func look(at session: Session, _ wait: inout Wait, _ now: Int64, _ connection: Connection) throws {
        guard let process = session.process.withLock({ $0 }) else { return }
        let blockers = try Blocker.of(process, lock, connection)
        let roots = blockers.map(\.process)
        if roots != wait.roots { wait = Wait(asked: now, roots: roots, since: now) }
        guard !roots.isEmpty, now - wait.since >= LockWatch.patience,
            wait.said.map({ now - $0 >= LockWatch.silence }) ?? true
        else { return }
        let table = try Blocker.table(of: process, connection)
        guard let since = session.clock.waitingSince else { return }
        wait.said = now
        let waiting = "\(session.doing.phrase(table)) has waited for a lock for \((now - since) / 1000) s"
        let own = sessions.withLock { $0.compactMap { $0.process.withLock { $0 } } }
        let older = blockers.filter { $0.isOfLink && !own.contains($0.process) }
        if !older.isEmpty, try isOurs(connection) {
            for blocker in older where try blocker.end(lock, connection) {
                hear(
                    StatusFinding(
                        isFatal: false,
                        message:
                            "\(waiting), which an older runner of this link held: \(blocker.phrase); its session was "
                            + "ended"))
            }
            if older.count == blockers.count { return }
        }
        hear(
            StatusFinding(
                isFatal: false,
                message: "\(waiting), held up by \(blockers.map(\.phrase).joined(separator: "; "))",
                hint: blockers.map(\.remedy).joined(separator: "; ")))
    }

    /// Whether no other runner has taken the link over since this one did. One that is about to do so for the first time
    /// comes after everybody who holds the link's lock.
    private func isOurs(_ connection: Connection) throws -> Bool {
        guard let held = fences.fence(of: lock.link) else { return true }
        let rows = try connection.query(
            "SELECT fence FROM \(lock.metadata.checkpoints) WHERE materialization = $1 AND capture = $2",
            [lock.link.materialization, lock.link.capture])
        return rows.count == 1 && rows[0, 0].flatMap { Int64($0) }.map { $0 <= held } == true
    }
}

extension ErrorScope {
    /// What is done, of which table.
    fileprivate func phrase(_ table: String?) -> String {
        "\"\(operation)\" (\(table.map { "table \($0)" } ?? object ?? "the destination"))"
    }
}
