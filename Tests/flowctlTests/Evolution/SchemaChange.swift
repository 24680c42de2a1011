/// A change of a source table's schema, and what must come of it. In statements `$t` is the table's name.
struct SchemaChange: Sendable {
    /// When the change happens.
    enum Moment: String, CaseIterable, Sendable {
        case streaming = "while it streams"
        case transaction = "in one transaction with rows before and after it"
        case down = "while flowctl is down, with rows before and after it"
        case backfill = "in the middle of a backfill"
    }

    enum Outcome: Sendable {
        /// Every row of the source is at the destination, with the same values in all columns that the source has.
        case equal
        /// The run stops, again at each start, and says this.
        case stops(String)
        /// A limit that is known (README): the log doesn't show it, and a warning says what may be missing (`GapTests`).
        case unseen
    }

    var name: String
    /// Run before the table is filled.
    var prepare = ""
    /// One by one, or in one transaction.
    var change: [String]
    /// Rows of the old shape, committed before the change.
    var before = "INSERT INTO $t (id, a) VALUES (90001, 'before'); UPDATE $t SET a = 'before' WHERE id = 2"
    /// Rows of the new shape.
    var after = "INSERT INTO $t (id) VALUES (90002); UPDATE $t SET r = 5 WHERE id = 3; DELETE FROM $t WHERE id = 4"
    var outcome = Outcome.equal
    /// What is expected at moments where it isn't `outcome`.
    var exceptions: [Moment: Outcome] = [:]
    /// Fields that the catalog asks for as text, by name; and whether it takes no others.
    var asText: [String] = []
    var onlyField: String?
    /// Moments that the change can't happen at.
    var never: Set<Moment> = []

    func outcome(_ moment: Moment) -> Outcome { exceptions[moment] ?? outcome }

    static let columns = """
        id int PRIMARY KEY, a text, b text, n int, w bigint, s varchar(10), m numeric(6,2), e $t_mood,
        c $t_pair, k $t_small, g int GENERATED ALWAYS AS (id + 1) STORED, r int NOT NULL DEFAULT 1, q text NOT NULL DEFAULT 'q'
        """

    static let types = """
        CREATE TYPE $t_mood AS ENUM ('sad', 'ok'); CREATE TYPE $t_pair AS (x int, y text);
        CREATE DOMAIN $t_small AS int CHECK (VALUE < 1000000)
        """

    static func fill(_ rows: Int) -> String {
        """
        INSERT INTO $t (id, a, b, n, w, s, m, e, c, k)
        SELECT i, 'a' || i, 'b' || i, i, i, 's' || i, i % 1000, 'sad', ROW(i, 'y')::$t_pair, i FROM generate_series(1, \(rows)) i
        """
    }
}

extension SchemaChange {
    static let retyped = Outcome.stops("no wider form of the same type")

    /// Every change, and what must come of it.
    static let all: [SchemaChange] = [
        // Columns that come.
        SchemaChange(name: "a column is added", change: ["ALTER TABLE $t ADD COLUMN x int"]),
        SchemaChange(
            name: "a column with a constant default",
            change: ["ALTER TABLE $t ADD COLUMN x text DEFAULT 'it''s'"]),
        SchemaChange(
            name: "a column NOT NULL with a constant default",
            change: ["ALTER TABLE $t ADD COLUMN x numeric(8,3) NOT NULL DEFAULT 1.5"]),
        SchemaChange(
            name: "boxes, which have their own delimiter, with a default",
            change: ["ALTER TABLE $t ADD COLUMN x box DEFAULT '(1,1),(0,0)'"]),
        SchemaChange(
            name: "an array with a default",
            change: ["ALTER TABLE $t ADD COLUMN x text[] DEFAULT '{\"a,b\",NULL,\"\"}'"]),
        SchemaChange(
            name: "a default that is another one by the time of the first row",
            change: ["ALTER TABLE $t ADD COLUMN x int DEFAULT 5", "ALTER TABLE $t ALTER COLUMN x SET DEFAULT 6"]),
        SchemaChange(
            name: "a volatile default", change: ["ALTER TABLE $t ADD COLUMN x float8 DEFAULT random()"]),
        SchemaChange(
            name: "a volatile default that is gone by the first row",
            change: [
                "ALTER TABLE $t ADD COLUMN x float8 DEFAULT random()", "ALTER TABLE $t ALTER COLUMN x DROP DEFAULT",
            ]),
        SchemaChange(
            name: "an identity", change: ["ALTER TABLE $t ADD COLUMN x int GENERATED ALWAYS AS IDENTITY"]),
        SchemaChange(
            name: "a default that is gone after the table was written anew",
            change: [
                "ALTER TABLE $t ADD COLUMN x int DEFAULT 5", "ALTER TABLE $t ALTER COLUMN x DROP DEFAULT",
                "VACUUM FULL $t",
            ], never: [.transaction]),
        SchemaChange(
            name: "a generated column", change: ["ALTER TABLE $t ADD COLUMN x int GENERATED ALWAYS AS (n * 2) STORED"]),
        SchemaChange(
            name: "a generated column becomes an ordinary one",
            change: ["ALTER TABLE $t ALTER COLUMN g DROP EXPRESSION"],
            outcome: .stops("the log never had"), exceptions: [.transaction: .stops(""), .down: .stops("")]),
        SchemaChange(
            name: "the last column, which is generated and left out, becomes an ordinary one",
            prepare: "ALTER TABLE $t ADD z text GENERATED ALWAYS AS (lower(a)) STORED",
            change: ["ALTER TABLE $t ALTER COLUMN z DROP EXPRESSION"]),
        // Columns that go.
        SchemaChange(name: "a column is dropped", change: ["ALTER TABLE $t DROP COLUMN b"]),
        SchemaChange(name: "a NOT NULL column is dropped", change: ["ALTER TABLE $t DROP COLUMN q"]),
        SchemaChange(
            name: "a column is dropped and comes again, of the same type",
            change: ["ALTER TABLE $t DROP COLUMN b", "ALTER TABLE $t ADD COLUMN b text"],
            outcome: .stops("added another one of the same name")),
        SchemaChange(
            name: "the last column is dropped and comes again, just the same",
            change: ["ALTER TABLE $t DROP COLUMN q", "ALTER TABLE $t ADD COLUMN q text NOT NULL DEFAULT 'q'"],
            outcome: .stops("added another one of the same name")),
        SchemaChange(
            name: "a column is dropped and comes again, of another type",
            change: ["ALTER TABLE $t DROP COLUMN b", "ALTER TABLE $t ADD COLUMN b int"],
            outcome: .stops("added another one of the same name")),
        SchemaChange(
            name: "a column comes and goes, with rows between",
            change: [
                "ALTER TABLE $t ADD COLUMN x int", "INSERT INTO $t (id, x) VALUES (90003, 1)",
                "ALTER TABLE $t DROP COLUMN x",
            ]
        ),
        SchemaChange(
            name: "one goes, another comes",
            change: ["ALTER TABLE $t DROP COLUMN b", "ALTER TABLE $t ADD COLUMN x text DEFAULT 'new'"]),
        // Names.
        SchemaChange(name: "a column is renamed", change: ["ALTER TABLE $t RENAME COLUMN b TO x"]),
        SchemaChange(
            name: "a column is renamed twice, with rows between",
            change: [
                "ALTER TABLE $t RENAME COLUMN b TO x", "INSERT INTO $t (id, x) VALUES (90003, 'between')",
                "ALTER TABLE $t RENAME COLUMN x TO y",
            ]),
        SchemaChange(
            name: "a column is renamed and back, with rows between",
            change: [
                "ALTER TABLE $t RENAME COLUMN b TO x", "INSERT INTO $t (id, x) VALUES (90003, 'between')",
                "ALTER TABLE $t RENAME COLUMN x TO b",
            ]),
        SchemaChange(
            name: "two columns of a type exchange their names",
            change: [
                "ALTER TABLE $t RENAME COLUMN a TO x", "ALTER TABLE $t RENAME COLUMN b TO a",
                "ALTER TABLE $t RENAME COLUMN x TO b",
            ]),
        SchemaChange(
            name: "two columns of different types exchange their names",
            change: [
                "ALTER TABLE $t RENAME COLUMN a TO x", "ALTER TABLE $t RENAME COLUMN n TO a",
                "ALTER TABLE $t RENAME COLUMN x TO n",
            ]),
        SchemaChange(
            name: "a column is renamed, and another takes its name",
            change: ["ALTER TABLE $t RENAME COLUMN b TO x", "ALTER TABLE $t ADD COLUMN b text DEFAULT 'other'"]),
        SchemaChange(
            name: "a column is dropped, and another renamed to its name",
            change: ["ALTER TABLE $t DROP COLUMN a", "ALTER TABLE $t RENAME COLUMN b TO a"],
            outcome: .stops("the destination has another column of that name")),
        SchemaChange(
            name: "a column is added, and renamed after a row",
            change: [
                "ALTER TABLE $t ADD COLUMN x text DEFAULT 'd'", "INSERT INTO $t (id, x) VALUES (90003, 'between')",
                "ALTER TABLE $t RENAME COLUMN x TO y",
            ]),
        // Types.
        SchemaChange(name: "int becomes bigint", change: ["ALTER TABLE $t ALTER COLUMN n TYPE bigint"]),
        SchemaChange(name: "varchar grows", change: ["ALTER TABLE $t ALTER COLUMN s TYPE varchar(40)"]),
        SchemaChange(name: "varchar becomes text", change: ["ALTER TABLE $t ALTER COLUMN s TYPE text"]),
        SchemaChange(name: "numeric grows", change: ["ALTER TABLE $t ALTER COLUMN m TYPE numeric(12,2)"]),
        SchemaChange(
            name: "bigint becomes int", change: ["ALTER TABLE $t ALTER COLUMN w TYPE int"], outcome: retyped),
        SchemaChange(
            name: "varchar shrinks", change: ["ALTER TABLE $t ALTER COLUMN s TYPE varchar(8)"], outcome: retyped),
        SchemaChange(
            name: "int becomes text", change: ["ALTER TABLE $t ALTER COLUMN n TYPE text"], outcome: retyped),
        // What was otherwise for a while, and is as before: one statement, so that nobody sees it in between.
        SchemaChange(
            name: "int becomes text and int again, with rows between",
            change: [
                """
                ALTER TABLE $t ALTER COLUMN n TYPE text; INSERT INTO $t (id, n) VALUES (90003, '7');
                ALTER TABLE $t ALTER COLUMN n TYPE int USING length(n)
                """
            ]),
        SchemaChange(
            name: "no replica identity for a while, with rows between",
            change: [
                """
                ALTER TABLE $t REPLICA IDENTITY NOTHING; INSERT INTO $t (id) VALUES (90003);
                ALTER TABLE $t REPLICA IDENTITY DEFAULT
                """
            ]),
        SchemaChange(
            name: "columns that are kept as text get other types, with and without rows being written",
            prepare: "ALTER TABLE $t ADD i cidr DEFAULT '10.1.2.3', ADD o bool DEFAULT true, ADD y real DEFAULT 0.1",
            change: [
                "ALTER TABLE $t ALTER COLUMN i TYPE inet", "ALTER TABLE $t ALTER COLUMN m TYPE numeric(8,4)",
                "ALTER TABLE $t ALTER COLUMN o DROP DEFAULT, ALTER COLUMN o TYPE text USING o::text",
                "ALTER TABLE $t ALTER COLUMN y TYPE float8",
            ], asText: ["i", "m", "o", "y"]),
        SchemaChange(
            name: "a column that is kept as text gets another type, and no row comes",
            prepare: "ALTER TABLE $t ADD i cidr DEFAULT '10.1.2.3'",
            change: ["ALTER TABLE $t ALTER COLUMN i TYPE inet"], before: "", after: "SELECT", asText: ["i"]),
        SchemaChange(
            name: "a key that is kept as text gets another type", prepare: "ALTER TABLE $t DROP g",
            change: ["ALTER TABLE $t ALTER COLUMN id TYPE numeric(12,2)"],
            outcome: .stops("its column \"id\" has another type now"), asText: ["id"]),
        SchemaChange(
            name: "the column of a required field is renamed", change: ["ALTER TABLE $t RENAME COLUMN b TO x"],
            after: "UPDATE $t SET x = 'after' WHERE id = 3", outcome: .stops("the required field \"b\""), onlyField: "b"
        ),
        SchemaChange(
            name: "a type changes USING an expression",
            change: ["ALTER TABLE $t ALTER COLUMN n TYPE bigint USING n * 2"], outcome: .unseen),
        SchemaChange(
            name: "values change USING an expression, and the type doesn't",
            change: ["ALTER TABLE $t ALTER COLUMN b TYPE text USING upper(b)"]),
        SchemaChange(name: "another collation", change: ["ALTER TABLE $t ALTER COLUMN b TYPE text COLLATE \"C\""]),
        // NOT NULL.
        SchemaChange(
            name: "NOT NULL goes", change: ["ALTER TABLE $t ALTER COLUMN q DROP NOT NULL"],
            after: "INSERT INTO $t (id, q) VALUES (90002, NULL); UPDATE $t SET q = NULL WHERE id = 3"),
        SchemaChange(
            name: "NOT NULL comes", change: ["ALTER TABLE $t ALTER COLUMN b SET NOT NULL"],
            before: "UPDATE $t SET a = 'before' WHERE id = 2", after: "INSERT INTO $t (id, b) VALUES (90002, 'after')"),
        SchemaChange(
            name: "NOT NULL goes and comes again, with a row between",
            change: [
                "ALTER TABLE $t ALTER COLUMN q DROP NOT NULL", "UPDATE $t SET q = NULL WHERE id = 7",
                "ALTER TABLE $t ADD COLUMN x int", "UPDATE $t SET q = 'x' WHERE id = 7",
                "ALTER TABLE $t ALTER COLUMN q SET NOT NULL",
            ]),
        // Keys.
        SchemaChange(
            name: "the key gets another column",
            change: ["ALTER TABLE $t DROP CONSTRAINT $t_pkey, ADD PRIMARY KEY (id, r)"],
            after: "INSERT INTO $t (id, r) VALUES (1, 77)", outcome: .stops("no unique index keeps the key (id)")),
        SchemaChange(
            name: "the key is dropped", change: ["ALTER TABLE $t DROP CONSTRAINT $t_pkey"],
            after: "INSERT INTO $t (id) VALUES (90002)", outcome: .stops("no unique index keeps the key (id)"),
            exceptions: [.down: .stops("replica identity")]),
        SchemaChange(
            name: "the key is dropped, and all of a row is its identity",
            change: ["ALTER TABLE $t DROP CONSTRAINT $t_pkey", "ALTER TABLE $t REPLICA IDENTITY FULL"],
            after: "INSERT INTO $t (id) VALUES (1)", outcome: .stops("no unique index keeps the key (id)")),
        SchemaChange(
            name: "the key's column is dropped", change: ["ALTER TABLE $t DROP COLUMN id CASCADE"],
            after: "INSERT INTO $t (a) VALUES ('no key')", outcome: .stops("key")),
        SchemaChange(
            name: "the key's column is renamed", change: ["ALTER TABLE $t RENAME COLUMN id TO ident"],
            after: "INSERT INTO $t (ident) VALUES (90002)", outcome: .stops("key")),
        SchemaChange(name: "replica identity full", change: ["ALTER TABLE $t REPLICA IDENTITY FULL"]),
        SchemaChange(
            name: "replica identity nothing", change: ["ALTER TABLE $t REPLICA IDENTITY NOTHING"],
            after: "INSERT INTO $t (id) VALUES (90002)", outcome: .stops("replica identity")),
        SchemaChange(
            name: "the replica identity is another index",
            prepare:
                "ALTER TABLE $t ADD z int NOT NULL GENERATED ALWAYS AS IDENTITY; CREATE UNIQUE INDEX $t_z ON $t (z)",
            change: ["ALTER TABLE $t REPLICA IDENTITY USING INDEX $t_z"], outcome: .stops("replica identity")),
        // Types of the user.
        SchemaChange(
            name: "an enum grows", change: ["ALTER TYPE $t_mood ADD VALUE 'glad' BEFORE 'ok'"],
            after: "INSERT INTO $t (id, e) VALUES (90002, 'glad')", never: [.transaction]),
        SchemaChange(
            name: "an enum's label is renamed", change: ["ALTER TYPE $t_mood RENAME VALUE 'sad' TO 'blue'"],
            outcome: .stops("$t_mood")),
        SchemaChange(
            name: "an enum's label is renamed, and an attribute added, of columns that are kept as text",
            change: [
                "ALTER TYPE $t_mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE $t_pair ADD ATTRIBUTE z int"
            ], asText: ["e", "c"]),
        SchemaChange(
            name: "an enum is renamed", change: ["ALTER TYPE $t_mood RENAME TO $t_feeling"],
            outcome: .stops("$t_feeling")),
        SchemaChange(
            name: "a composite type gets an attribute", change: ["ALTER TYPE $t_pair ADD ATTRIBUTE z int"],
            outcome: .stops("$t_pair")),
        SchemaChange(
            name: "a domain's check is dropped", change: ["ALTER DOMAIN $t_small DROP CONSTRAINT $t_small_check"],
            after: "INSERT INTO $t (id, k) VALUES (90002, 2000000)", outcome: .stops("$t_small")),
        // Tables.
        SchemaChange(
            name: "the table is renamed", change: ["ALTER TABLE $t RENAME TO $t_new"],
            after: "INSERT INTO $t_new (id) VALUES (90002)", outcome: .stops("$t")),
        SchemaChange(
            name: "the table is written anew", change: ["VACUUM FULL $t"], never: [.transaction]),
        SchemaChange(
            name: "the table is emptied and filled", change: ["TRUNCATE $t", "INSERT INTO $t (id) VALUES (3), (4)"]),
        // Its rows are known, but not told from those of a table that was written anew with values for the new column: they are read.
        SchemaChange(
            name: "the table is emptied, filled and changed",
            change: [
                "TRUNCATE $t", "ALTER TABLE $t ADD COLUMN x int", "INSERT INTO $t (id, x) VALUES (3, 3), (4, 4)",
            ]),
    ]
}
