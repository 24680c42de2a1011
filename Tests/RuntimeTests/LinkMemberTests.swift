import Connectors
import Testing

@testable import Runtime

@Suite("when a failing link is tried again")
struct LinkMemberTests {
    private final class Nowhere: Materialization {
        let name = "nowhere"
        private var refusal: RunError { RunError(.internal, operation: "open", message: "a test's") }
        func probe() throws { throw refusal }
        func open(_ link: LinkSpec) throws -> any Transactor { throw refusal }
        func status() throws -> [StoredLink] { [] }
        func forget(_ binding: LinkBinding, of link: LinkSpec, dropping columns: [String]) throws {}

        func disable(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws {}

        func record(_ error: RunError, of link: LinkSpec) {}
    }

    private func member(mostAttempts: Int? = nil) -> LinkMember {
        LinkMember(
            CaptureRunner.LinkPlan(
                spec: LinkSpec(capture: "c", materialization: "m", bindings: []), materialization: Nowhere()),
            mostAttempts: mostAttempts)
    }

    private let lost = RunError(.transient, operation: "commit", message: "connection lost")

    @Test("pauses double up to half a minute, with jitter, for ever")
    func pauses() {
        var policy = RetryPolicy()
        let longest = (0..<12).map { _ in policy.next { $0.upperBound } }
        #expect(longest == [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000, 30000])
        policy.reset()
        #expect(policy.next { $0.lowerBound } == 125)
        for _ in 0..<100 { #expect(policy.next() != nil) }
    }

    @Test("a number of attempts ends it, and the link has stopped with the last error")
    func attempts() {
        let member = member(mostAttempts: 3)
        #expect(member.failed(lost)?.attempt == 1)
        #expect(member.failed(lost)?.attempt == 2)
        #expect(member.failed(lost) == nil)
        #expect(member.stopError?.kind == .transient)
    }

    @Test("what needs somebody stops at once", arguments: [RunError.Class.needsOperator, .authentication, .fenced])
    func stops(kind: RunError.Class) {
        let member = member()
        #expect(member.failed(RunError(kind, operation: "open", message: "no")) == nil)
        #expect(member.stopError?.kind == kind)
        #expect(member.delay == nil)
        member.becomeReady()
        #expect(member.stopError != nil, "it stays stopped")
    }

    @Test("only a commit begins the pauses anew")
    func progress() {
        let member = member()
        member.reached(LogPosition(10))
        for _ in 0..<5 { _ = member.failed(lost) }
        member.becomeReady()
        member.reached(LogPosition(10))
        #expect(member.failed(lost)?.attempt == 6)
        member.reached(LogPosition(11))
        #expect(member.failed(lost)?.attempt == 1)
    }

    @Test("how far a link is that was never opened is not known")
    func unknown() {
        let member = member()
        #expect(member.durable == .zero)
        member.reached(LogPosition(7))
        #expect(member.durable == LogPosition(7))
    }
}
