import Connectors
import Postgres

/// A slot that was made before the publication. The server decodes a change with the catalog as it was at that change: of what was
/// written before the publication was there it can show nothing. Up to version 17 reading ends with an error there, at each start;
/// later versions leave the changes out.
///
/// Where every table is read whole and no destination has anything yet, none of that is needed: the slot is moved on. What makes
/// this exact: first all transactions end that had a number as the publication was committed. Whatever commits after the slot's
/// new place has then begun after that, and is shown from its first change to its last. Whatever has committed before is seen by
/// the snapshots of the chunks: they are taken once those have ended that hold locks on the tables (`SourceWait.forWriters`), and a
/// transaction lets go of its locks when others see it.
struct EarlySlot {
    let config: PostgresCaptureConfig
    let connection: Connection

    private var object: String { "slot \"\(config.slot)\"" }

    /// Throws where there is a slot, the publication is to be made yet, and changes from before would be missed: of tables whose
    /// rows are not all read.
    func refuseGap() throws {
        let rows = try connection.query(
            """
            SELECT FROM pg_replication_slots WHERE slot_name = \(literal: config.slot)
               AND NOT EXISTS (SELECT FROM pg_publication WHERE pubname = \(literal: config.publication))
            """)
        guard rows.count > 0 else { return }
        let publication = Identifier(config.publication)
        throw RunError(
            .needsOperator, operation: "use", object: object,
            message:
                "it was made before publication \(publication), which is not there yet: nothing of the log before that can be "
                + "read through it, and tables whose rows are not all read (mode, skip_backfills, a filter, a window) would lack it",
            hint:
                "drop it, and it is made anew behind the publication: SELECT pg_drop_replication_slot('\(config.slot)');"
        )
    }

    /// Whether the publication is missing yet, or may not have been there for all that the slot has still to show. An ALTER
    /// PUBLICATION looks the same.
    func isOlderThanPublication() throws -> Bool {
        let rows = try connection.query(
            """
            SELECT coalesce(age(p.xmin) <= age(s.catalog_xmin), true)
              FROM pg_replication_slots s LEFT JOIN pg_publication p ON p.pubname = \(literal: config.publication)
             WHERE s.slot_name = \(literal: config.slot)
            """)
        return rows.count > 0 && rows[0, 0] == "t"
    }

    /// As a plan has it.
    var change: PlannedChange {
        PlannedChange(
            .change, "replication slot \(Identifier(config.slot))",
            sql: "SELECT pg_replication_slot_advance(\(SQL.literal(config.slot)), pg_current_wal_insert_lsn())",
            remark: "it is older than the publication, which shows nothing from before; the tables are read whole")
    }

    /// Where the slot stands then. Nothing is decoded for it, however much lies in between.
    func passOver(_ server: SourceServer, _ wait: SourceWait) throws -> LogPosition {
        try waitForTransactions(wait)
        let end = WALPage.endOfLastRecord(try server.endOfLog(connection))
        var second = 0
        func heed() throws {
            second += 1
            try wait.check(second: second) { "\(object) is moved on to the end of the log" }
        }
        while true {
            let slot = try ReplicationSlot.find(config.slot, on: connection)
            guard let slot, slot.confirmed < end else { return slot?.confirmed ?? end }
            // Never beyond what is on the source's disk, which follows within moments.
            _ = try connection.query(
                "SELECT pg_replication_slot_advance(\(literal: config.slot), \(literal: end.description)::pg_lsn)",
                meanwhile: heed)
            if try ReplicationSlot.find(config.slot, on: connection).map({ $0.confirmed < end }) ?? false {
                try heed()
                _ = wait.stop.wait(milliseconds: 1000)
            }
        }
    }

    private func waitForTransactions(_ wait: SourceWait) throws {
        let limit = try connection.query("SELECT pg_snapshot_xmax(pg_current_snapshot())")[0, 0] ?? "0"
        var tenth = 0
        while try connection.query(
            "SELECT pg_snapshot_xmin(pg_current_snapshot()) < \(literal: limit)::xid8")[0, 0] == "t"
        {
            if tenth % 10 == 0 || wait.stop.isRequested {
                try wait.check(second: tenth / 10) {
                    "\(object) can be used when the transactions have ended that began before the publication was made: "
                        + (try open())
                }
            }
            _ = wait.stop.wait(milliseconds: 100)
            tenth += 1
        }
    }

    /// Who has a transaction with a number, in words.
    private func open() throws -> String {
        let rows = try connection.query(
            """
            SELECT string_agg(who, '; ') FROM (
              SELECT format('process %s', pid) || coalesce(format(' (%s, %s)', usename, state), '') FROM pg_stat_activity
               WHERE backend_xid IS NOT NULL
              UNION ALL SELECT format('prepared transaction %s', quote_literal(gid)) FROM pg_prepared_xacts) AS w (who)
            """)
        return rows[0, 0] ?? "none is left"
    }
}
