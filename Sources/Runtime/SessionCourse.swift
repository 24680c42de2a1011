import Connectors
import Synchronization

/// How a session goes, for its threads: what failed, and when it has to end.
final class SessionCourse: Sendable {
    let stop: StopSignal
    private let runner: CaptureRunner
    private let running: Mutex<Int>
    private let firstFailure = Mutex<(any Error)?>(nil)

    init(_ runner: CaptureRunner, _ links: Int, _ stop: StopSignal) {
        self.runner = runner
        self.stop = stop
        running = Mutex(links)
    }

    /// What ended the reading of the log, and so the session for all links.
    var failure: (any Error)? { firstFailure.withLock { $0 } }

    func fail(_ error: any Error) {
        firstFailure.withLock { $0 = $0 ?? error }
        stop.request()
    }

    /// A failure of the source ends the session; one of a destination takes its link out.
    func linkFailed(_ error: any Error, _ member: LinkMember) {
        let known = error as? RunError
        if known?.task == runner.capture.name { return fail(error) }
        if runner.stop.isRequested, known?.isPassing == true { return stop.request() }
        runner.note(error, of: member)
        let left = running.withLock { count in
            count -= 1
            return count
        }
        if left == 0 {
            stop.request()
        } else if member.delay != nil {
            awaitDestination(member)
        }
    }

    /// Begins a new session when the link's destination answers again. On a thread that nobody waits for: connecting can
    /// take longer than anybody wants to wait for the end.
    func awaitDestination(_ member: LinkMember) {
        ThreadGroup(onFailure: { _ in }).spawn("wait for \(member.name)") { [self] in
            while let delay = member.delay, !stop.wait(milliseconds: delay) {
                do {
                    try member.plan.materialization.probe()
                    member.becomeReady()
                    return stop.request()
                } catch {
                    if !stop.isRequested { runner.note(error, of: member) }
                }
            }
        }
    }
}
