import Connectors
import Postgres
import Synchronization

/// The fences that a run holds at one destination, by capture.
///
/// Invariant: a run takes a link over unconditionally once, as it begins. Later, after a lost connection for one, it takes
/// up only what it still holds: where the fence is higher than the one that it raised last, another runner has the link, and
/// opening it again is a `fenced` error. So two runners never take a link from each other in turns. A raise whose answer
/// was lost is its own where the server says that its transaction committed (`txid_status`).
final class HeldFences: Sendable {
    private struct Held {
        var fence: Int64?
        /// A raise of which it is not known whether it was committed.
        var attempt: (fence: Int64, transaction: String)?
    }

    private let links = Mutex<[String: Held]>([:])

    /// What the run is known to hold; nil before it has taken the link over.
    func fence(of link: LinkSpec) -> Int64? { links.withLock { $0[link.capture]?.fence } }

    /// Begins a transaction and raises the fence in it. The link's fence, position and capture state; nil where the
    /// destination has no record of it. Throws `fenced` where another runner has the link.
    func raise(
        _ link: LinkSpec, _ metadata: MetadataSchema, _ connection: Connection, settings: SQL = ""
    ) throws -> Rows? {
        try settle(link, connection)
        try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \(settings)")
        let rows = try connection.query(
            """
            UPDATE \(metadata.checkpoints) SET fence = fence + 1
             WHERE materialization = $1 AND capture = $2 AND ($3::bigint IS NULL OR fence <= $3::bigint)
            RETURNING fence, position, capture_state, txid_current()
            """, [link.materialization, link.capture, fence(of: link).map { String($0) }])
        guard rows.count == 1, let fence = rows[0, 0].flatMap({ Int64($0) }), let transaction = rows[0, 3] else {
            let known = try connection.query(
                "SELECT 1 FROM \(metadata.checkpoints) WHERE materialization = $1 AND capture = $2",
                [link.materialization, link.capture])
            guard known.count == 0 else { throw Fenced.error(link) }
            return nil
        }
        links.withLock { $0[link.capture, default: Held()].attempt = (fence, transaction) }
        return rows
    }

    /// The transaction that `raise` began has been committed.
    func committed(_ link: LinkSpec) {
        links.withLock { links in
            guard let attempt = links[link.capture]?.attempt else { return }
            links[link.capture] = Held(fence: attempt.fence)
        }
    }

    /// The link is new to the destination, and recorded in a transaction that is about to commit.
    func begins(_ link: LinkSpec) {
        links.withLock { $0[link.capture] = Held(fence: 1) }
    }

    /// Finds out what became of a raise whose answer was lost.
    private func settle(_ link: LinkSpec, _ connection: Connection) throws {
        guard let attempt = links.withLock({ $0[link.capture]?.attempt }) else { return }
        var state: String?
        do {
            state = try connection.query("SELECT txid_status($1::bigint)", [attempt.transaction])[0, 0]
        } catch let error as PostgresError where error.sqlState == "22023" {
            // A number that the server has not come to: it was restored from before.
            state = nil
        }
        switch state {
        case "committed": committed(link)
        case "in progress":
            throw RunError(
                .transient, operation: "open", object: "the link from \(link.capture)",
                message: "the server has not ended the transaction of a connection that was lost",
                task: link.materialization)
        default: links.withLock { $0[link.capture]?.attempt = nil }
        }
    }
}
