import Connectors
import Postgres

/// The mark of a link's sessions at the destination: a shared advisory lock that each of them holds from when its runner
/// has taken the link over, or found no record of it, until it ends.
///
/// Invariant: a session that was seen to hold it before the link's fence was read, and found to be ours, and that is none
/// of ours, belongs to an older runner, or to an older connection of this one: neither can commit any more.
struct LinkLock: Sendable {
    let link: LinkSpec
    let metadata: MetadataSchema

    /// The lock's number.
    private var key: SQL {
        let name = [metadata.checkpoints.quoted, link.materialization, link.capture].map { Identifier($0).quoted }
        return "hashtextextended(\(literal: "flowctl link " + name.joined(separator: ".")), 0)"
    }

    /// Takes the lock for the session; the server's own number of its process. Waits for nobody.
    func take(_ connection: Connection) throws -> String {
        try connection.query("SELECT pg_backend_pid(), pg_try_advisory_lock_shared(\(key))")[0, 0] ?? ""
    }

    /// Takes the lock alone until the transaction ends; false where a session of a runner holds it. Waits for nobody.
    func takeAlone(_ connection: Connection) throws -> Bool {
        try connection.query("SELECT pg_try_advisory_xact_lock(\(key))")[0, 0] == "t"
    }

    /// Whether the session of an activity `a` holds the lock.
    var isHeld: SQL {
        """
        (a.application_name = 'flowctl' AND a.usename = current_user AND EXISTS (
          SELECT FROM pg_locks l
           WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.mode = 'ShareLock' AND l.objsubid = 1
             AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
             AND l.classid = ((\(key) >> 32) & 4294967295)::oid AND l.objid = (\(key) & 4294967295)::oid))
        """
    }
}
