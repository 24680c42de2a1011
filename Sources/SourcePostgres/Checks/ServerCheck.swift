import Connectors
import Postgres

/// What the server itself must be, and what its platform does that a pipeline should know of.
struct ServerCheck {
    let checking: SourceChecking

    func run() throws {
        let server = checking.server
        guard server.version >= 100_000 else {
            checking.add(
                .unmet, "server", "its version \(server.version / 10_000) has no logical replication; 10 is the first",
                .step("upgrade the server"))
            return
        }
        if server.walLevel != "logical" {
            let step = checking.platform.logicalReplicationStep
            checking.add(
                .unmet, "wal_level", "it is \(server.walLevel), and logical replication needs logical", .step(step))
        }
        try checkRoom()
        if server.isStandby { try checkStandby() }
        checking.step("advanced.failoverSlot") { try server.requireFailover(checking.config) }
        checking.step("advanced.min_backfill_xid") {
            try checking.config.oldestTransaction?.require(checking.connection)
        }
        try checkIdleTimeout()
        try checkSenderTimeout()
        try checkPlatform()
    }

    private func checkRoom() throws {
        let rows = try checking.connection.query(
            """
            SELECT current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication),
                   current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
                   EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = \(literal: checking.config.slot)),
                   current_setting('max_wal_senders'), current_setting('max_replication_slots')
            """)
        func number(_ column: Int) -> Int { rows[0, column].flatMap { Int($0) } ?? 0 }
        let isNew = rows[0, 2] != "t"
        if number(0) < 1 {
            checking.add(
                .unmet, "max_wal_senders", "all \(number(3)) are in use",
                .step(checking.platform.parameterStep("max_wal_senders", String(number(3) + 10))))
        }
        if isNew, number(1) < 1 {
            checking.add(
                .unmet, "max_replication_slots", "all \(number(4)) are in use and the capture needs one more",
                .step(
                    "drop a slot that nobody reads (SELECT slot_name FROM pg_replication_slots WHERE NOT active), or "
                        + checking.platform.parameterStep("max_replication_slots", String(number(4) + 10))))
        }
    }

    private func checkStandby() throws {
        if checking.server.version < 160_000 {
            checking.add(
                .unmet, "server", "it is a standby, and standbys can be read from version 16 on",
                .step("name the primary in the capture's address"))
            return
        }
        let rows = try checking.connection.query("SELECT current_setting('hot_standby_feedback')")
        if rows[0, 0] != "on" {
            checking.add(
                .advice, "hot_standby_feedback", "it is off: vacuum on the primary can invalidate the slot",
                .step(checking.platform.parameterStep("hot_standby_feedback", "on")))
        }
    }

    /// PostgreSQL 18 can give up slots that nobody reads for a while.
    private func checkIdleTimeout() throws {
        let rows = try checking.connection.query(
            "SELECT current_setting('idle_replication_slot_timeout', true)")
        guard let timeout = rows[0, 0], timeout != "0" else { return }
        checking.add(
            .advice, "idle_replication_slot_timeout",
            "the slot is lost where the capture is down for \(timeout), whatever the log's size",
            .step("raise it, or keep flowctl apply running"))
    }

    /// How long the server waits for an answer of ours. Longer pauses than a few seconds happen to every machine.
    private func checkSenderTimeout() throws {
        let rows = try checking.connection.query(
            "SELECT setting::int, current_setting(name) FROM pg_settings WHERE name = 'wal_sender_timeout'")
        guard rows.count > 0, let milliseconds = rows[0, 0].flatMap({ Int($0) }), 1..<10_000 ~= milliseconds else {
            return
        }
        checking.add(
            .advice, "wal_sender_timeout",
            "it is \(rows[0, 1] ?? ""): the server ends the stream where the network or a machine stands still for that long",
            checking.server.version >= 120_000
                ? .sql("ALTER ROLE \(checking.role) SET wal_sender_timeout = '1min';")
                : .step(checking.platform.parameterStep("wal_sender_timeout", "60s")), isOfRole: true)
    }

    private func checkPlatform() throws {
        func setting(_ name: String) throws -> String? {
            try checking.connection.query("SELECT current_setting(\(literal: name), true)")[0, 0]
        }
        switch checking.platform {
        case .azure:
            let workers = try setting("max_worker_processes").flatMap { Int($0) } ?? 0
            if workers < 16 {
                checking.add(
                    .advice, "max_worker_processes",
                    "it is \(workers), and logical replication on Azure wants 16 or more",
                    .step(checking.platform.parameterStep("max_worker_processes", "16")))
            }
        case .neon:
            checking.add(
                .advice, "slot \"\(checking.config.slot)\"",
                "Neon removes slots that are not read for a while, and a compute that is asleep reads none",
                .step("keep flowctl apply running; after a removal the tables are read again"))
        case .selfHosted:
            if try checking.connection.query("SELECT current_setting('max_slot_wal_keep_size', true)")[0, 0] == "-1" {
                checking.add(
                    .advice, "max_slot_wal_keep_size",
                    "nothing limits the log that a slot keeps while the capture is down",
                    .sql("ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();"))
            }
        case .rds, .aurora, .supabase, .cloudsql: break
        }
    }
}
