import Connectors
import Postgres

/// The tables and functions in which a destination keeps what flowctl knows of it.
struct MetadataSchema: Sendable {
    let name: String
    let checkpoints: QualifiedName
    let bindings: QualifiedName
    let parks: QualifiedName
    let parkedChanges: QualifiedName
    let signals: QualifiedName

    init(_ name: String) {
        self.name = name
        checkpoints = QualifiedName(name, "checkpoints")
        bindings = QualifiedName(name, "bindings")
        parks = QualifiedName(name, "parks")
        parkedChanges = QualifiedName(name, "parked_changes")
        signals = QualifiedName(name, "signals")
    }

    /// Throws where a binding's table is one of these, now or while a table is adopted (`Adoption`).
    func refuseOwn(_ bindings: [LinkBinding], task: String) throws {
        for binding in bindings where binding.schema.isSameName(as: name) {
            guard
                rights.contains(where: { $0.table.name == Identifier(binding.name) })
                    || binding.name.hasPrefix("adopting_")
            else { continue }
            throw ErrorScope("attach", binding, task: task).error(
                .needsOperator, "it is a table of flowctl's own, in which it keeps how far each link is",
                hint: "name another table in the binding's resource, or another schema in advanced.metadataSchema")
        }
    }

    /// What a role needs on each of the tables.
    var rights: [(table: QualifiedName, privileges: [String])] {
        let all = ["SELECT", "INSERT", "UPDATE", "DELETE"]
        return [
            (checkpoints, all), (bindings, all), (signals, all), (parks, all),
            (parkedChanges, ["SELECT", "INSERT", "DELETE"]),
        ]
    }

    /// Makes what is missing, in the open transaction, which holds the lock for it.
    func prepare(_ connection: Connection, _ provisioning: Provisioning? = nil) throws {
        if try !exists(connection) { try make(connection, provisioning) }
    }

    /// Brings what an older version keeps to this version's form. Whether anything is kept here.
    func upgrade(_ connection: Connection) throws -> Bool {
        if try exists(connection) { return true }
        guard try isReadable(connection) else { return false }
        try connection.execute("BEGIN")
        do {
            try connection.execute("SELECT pg_advisory_xact_lock(\(raw: DestinationLock.ddl))")
            try prepare(connection)
            try connection.execute("COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
        return true
    }

    /// Of the schema; discovery knows it by this.
    static let comment = "What flowctl keeps at this destination: how far each link is."

    /// Makes what is missing, in the open transaction. Only a schema that is absent takes rights on the database.
    func make(_ connection: Connection, _ provisioning: Provisioning? = nil) throws {
        let provisioning = provisioning ?? Provisioning(making: { try connection.execute("\(raw: $0)") })
        let object = "schema \(Identifier(name))"
        let there = try connection.query("SELECT FROM pg_namespace WHERE nspname = $1", [name])
        if there.count == 0 {
            let sql: SQL = """
                CREATE SCHEMA \(id: name);
                COMMENT ON SCHEMA \(id: name) IS \(literal: MetadataSchema.comment)
                """
            try provisioning.take(PlannedChange(.create, object, sql: sql.text))
        }
        let isUpgrade = try isReadable(connection)
        try provisioning.take(
            PlannedChange(
                isUpgrade ? .change : .create, object, sql: definition.text,
                lock: isUpgrade ? .init("ACCESS EXCLUSIVE", ["\(checkpoints)", "\(bindings)"]) : nil,
                remark: "flowctl's own tables: how far each link is"))
    }

    /// Takes all of it away, and fails where something else is in it.
    var drop: SQL {
        """
        DROP FUNCTION IF EXISTS \(id: name).wait_for(text, pg_lsn, interval), \(id: name).position(text);
        DROP TABLE IF EXISTS \(signals), \(parkedChanges), \(parks), \(bindings), \(checkpoints);
        DROP SCHEMA \(id: name)
        """
    }

    /// Whether any version of flowctl has kept something here.
    func isReadable(_ connection: Connection) throws -> Bool {
        let rows = try connection.query(
            """
            SELECT to_regclass(\(literal: checkpoints.quoted)) IS NOT NULL
               AND to_regclass(\(literal: bindings.quoted)) IS NOT NULL
            """)
        return rows[0, 0] == "t"
    }

    /// Tables that a link stores, or that there is a record of.
    func tables(of link: LinkSpec, _ connection: Connection) throws -> Set<QualifiedName> {
        var tables = Set(link.bindings.map { QualifiedName($0.schema, $0.name) })
        guard try isReadable(connection) else { return tables }
        let rows = try connection.query("SELECT destination_schema, destination_table FROM \(bindings)")
        for row in 0..<rows.count { tables.insert(QualifiedName(rows[row, 0] ?? "", rows[row, 1] ?? "")) }
        return tables
    }

    /// Whether the schema is there as this version of flowctl makes it.
    func exists(_ connection: Connection) throws -> Bool {
        let rows = try connection.query(
            """
            SELECT to_regclass(\(literal: checkpoints.quoted)) IS NOT NULL
               AND to_regclass(\(literal: bindings.quoted)) IS NOT NULL
               AND to_regprocedure(\(literal: QualifiedName(name, "wait_for").quoted + "(text,pg_lsn,interval)")) IS NOT NULL
               AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(\(literal: checkpoints.quoted))
                             AND attname = 'error_class' AND NOT attisdropped)
               AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(\(literal: bindings.quoted))
                             AND attname = 'position' AND NOT attisdropped)
               AND to_regclass(\(literal: parkedChanges.quoted)) IS NOT NULL
               AND to_regclass(\(literal: signals.quoted)) IS NOT NULL
            """)
        return rows[0, 0] == "t"
    }

    /// A row of these tables is updated with every commit: room in the page keeps the update from the index.
    private var definition: SQL {
        """
        CREATE TABLE IF NOT EXISTS \(checkpoints) (
          materialization text NOT NULL, capture text NOT NULL, fence bigint NOT NULL,
          position pg_lsn, capture_state text, updated_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (materialization, capture)) WITH (fillfactor = 20);
        ALTER TABLE \(checkpoints) ADD COLUMN IF NOT EXISTS source_time timestamptz,
          ADD COLUMN IF NOT EXISTS error text, ADD COLUMN IF NOT EXISTS error_class text;
        CREATE TABLE IF NOT EXISTS \(bindings) (
          materialization text NOT NULL, capture text NOT NULL,
          destination_schema text NOT NULL, destination_table text NOT NULL,
          source_schema text NOT NULL, source_table text NOT NULL, collection text NOT NULL,
          phase text NOT NULL, backfill text NOT NULL, backfill_counter integer NOT NULL,
          rows bigint NOT NULL, bytes bigint NOT NULL, estimated_rows bigint,
          shape jsonb NOT NULL, error text, updated_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (materialization, capture, destination_schema, destination_table)) WITH (fillfactor = 50);
        ALTER TABLE \(bindings) ADD COLUMN IF NOT EXISTS rebuild_counter integer,
          ADD COLUMN IF NOT EXISTS position pg_lsn, ADD COLUMN IF NOT EXISTS capture_state text;
        CREATE TABLE IF NOT EXISTS \(parks) (
          materialization text NOT NULL, capture text NOT NULL,
          destination_schema text NOT NULL, destination_table text NOT NULL,
          park bigint GENERATED ALWAYS AS IDENTITY, since timestamptz NOT NULL DEFAULT now(), error text NOT NULL,
          changes bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, shape text,
          PRIMARY KEY (materialization, capture, destination_schema, destination_table)) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS \(parkedChanges) (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, park bigint NOT NULL, transaction bigint NOT NULL,
          kind text NOT NULL, is_last boolean NOT NULL, changes bigint NOT NULL, bytes bigint NOT NULL,
          payload bytea NOT NULL);
        CREATE TABLE IF NOT EXISTS \(signals) (
          materialization text NOT NULL, capture text NOT NULL, place text NOT NULL,
          number bigint NOT NULL GENERATED ALWAYS AS IDENTITY, id text NOT NULL, type text NOT NULL,
          tables text[] NOT NULL, state text NOT NULL, rows bigint, error text, details text NOT NULL, position pg_lsn NOT NULL,
          taken_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (materialization, capture, place));
        \(comments)
        \(functions)
        """
    }

    private var comments: SQL {
        """
        COMMENT ON TABLE \(checkpoints) IS
          'A row for each link: one capture that feeds one materialization of this database.';
        COMMENT ON COLUMN \(checkpoints).fence IS
          'Bumped by whoever takes the link over; only the runner that set it can commit.';
        COMMENT ON COLUMN \(checkpoints).position IS
          'End of the last source transaction whose rows are here; null before the first.';
        COMMENT ON COLUMN \(checkpoints).capture_state IS
          'Which log the position belongs to, in the capture''s own form.';
        COMMENT ON COLUMN \(checkpoints).updated_at IS 'When the position was last moved.';
        COMMENT ON COLUMN \(checkpoints).source_time IS
          'By the source''s clock: what it had committed until then is here. Null where unknown.';
        COMMENT ON COLUMN \(checkpoints).error IS
          'What the link stumbled over last and has not got past; null while all is well.';
        COMMENT ON COLUMN \(checkpoints).error_class IS
          'transient: tried again until it goes away. Others stop the link: needsOperator, authentication, internal.';
        COMMENT ON TABLE \(bindings) IS 'A row for each table that a link fills.';
        COMMENT ON COLUMN \(bindings).phase IS
          'pending: nothing was read yet; backfilling: rows are being copied; streaming: all were, changes follow; detached: the link went on without the table; disabled: it does, since the table could not follow the source.';
        COMMENT ON COLUMN \(bindings).backfill IS 'What was copied so far, in the capture''s own form.';
        COMMENT ON COLUMN \(bindings).backfill_counter IS
          'backfill of the capture''s binding as the table was read last.';
        COMMENT ON COLUMN \(bindings).rebuild_counter IS
          'backfill of the materialization''s binding as the table was emptied last; null: backfill_counter has the sum.';
        COMMENT ON COLUMN \(bindings).rows IS 'Rows that the backfill copied.';
        COMMENT ON COLUMN \(bindings).bytes IS 'Bytes that the backfill read.';
        COMMENT ON COLUMN \(bindings).estimated_rows IS 'The source''s estimate as the backfill began.';
        COMMENT ON COLUMN \(bindings).shape IS
          'The source''s columns that the table was last prepared for: names, types, attribute numbers.';
        COMMENT ON COLUMN \(bindings).position IS
          'Where one of several writers has left the table; counts while it is after the link''s own position.';
        COMMENT ON COLUMN \(bindings).error IS 'What stopped the link at this table; null while all is well.';
        COMMENT ON TABLE \(parks) IS
          'A row for each table that is parked: its changes wait in parked_changes since a row of it was refused.';
        COMMENT ON COLUMN \(parks).error IS 'Why the row was refused, now or as the park was last tried.';
        COMMENT ON COLUMN \(parks).changes IS 'Changes that wait.';
        COMMENT ON COLUMN \(parks).bytes IS 'Bytes that they take, before compression.';
        COMMENT ON TABLE \(parkedChanges) IS
          'Changes that wait, in the order of id; flowctl retry stores them in their tables.';
        COMMENT ON TABLE \(signals) IS
          'A row for each signal that an operator has sent to a link''s capture, in the order of number.';
        COMMENT ON COLUMN \(signals).place IS
          'Where the signal was in the source''s log, or file/ and its id: what was taken is not taken again.';
        COMMENT ON COLUMN \(signals).state IS
          'queued, running, paused; and once nothing more comes of it: done, stopped, failed (error says why).';
        COMMENT ON COLUMN \(signals).tables IS 'Tables of the source that it is about.';
        COMMENT ON COLUMN \(signals).rows IS 'Rows that were read for it.';
        COMMENT ON COLUMN \(signals).details IS 'What is asked for and how far it is, in the capture''s own form.';
        COMMENT ON COLUMN \(signals).position IS 'Where the link was in the log as it took the signal.';
        """
    }

    private var functions: SQL {
        """
        CREATE OR REPLACE FUNCTION \(id: name).position(capture text) RETURNS pg_lsn
          LANGUAGE sql STABLE AS $flow$
            SELECT c.position FROM \(checkpoints) c WHERE c.capture = $1 ORDER BY c.position NULLS FIRST LIMIT 1
          $flow$;
        COMMENT ON FUNCTION \(id: name).position(text) IS
          'How far this database is in the capture''s log: everything that was committed there before is visible here.';
        CREATE OR REPLACE FUNCTION \(id: name).wait_for(capture text, lsn pg_lsn, timeout interval DEFAULT '30 s')
          RETURNS boolean LANGUAGE plpgsql VOLATILE AS $flow$
          DECLARE
            deadline timestamptz := clock_timestamp() + timeout;
            pause double precision := 0.001;
          BEGIN
            LOOP
              IF \(id: name).position(capture) >= lsn THEN RETURN true; END IF;
              IF clock_timestamp() >= deadline THEN RETURN false; END IF;
              PERFORM pg_sleep(pause);
              pause := least(pause * 2, 0.05);
            END LOOP;
          END
          $flow$;
        COMMENT ON FUNCTION \(id: name).wait_for(text, pg_lsn, interval) IS
          'Waits until this database has what the capture''s source committed before lsn; false if the time is up first. '
          'In a REPEATABLE READ transaction it sees what the snapshot sees.';
        """
    }
}

/// Advisory locks of flowctl's own.
enum DestinationLock {
    /// Held in transactions that make or change metadata, types and tables: one runner at a time.
    static let ddl = "7814118120911139682"
}
