import Postgres

/// A foreign key that refers to a destination table, in a session in which the server looks after it.
struct ForeignKey: Equatable {
    /// What the server does to rows that refer to one that goes or changes (pg_constraint.confdeltype, confupdtype).
    enum Action: String {
        case none = "a"
        case restrict = "r"
        case cascade = "c"
        case setNull = "n"
        case setDefault = "d"

        /// Whether other rows go or change without a word.
        var isSilent: Bool { self == .cascade || self == .setNull || self == .setDefault }

        /// As DDL writes it.
        var clause: String {
            switch self {
            case .none: "NO ACTION"
            case .restrict: "RESTRICT"
            case .cascade: "CASCADE"
            case .setNull: "SET NULL"
            case .setDefault: "SET DEFAULT"
            }
        }
    }

    /// A column that is referred to, the one that refers, and the operator between the two.
    struct Pair: Equatable {
        var column: String
        var referring: String
        var equal: String
    }

    var name: String
    /// The referring table.
    var child: QualifiedName
    var pairs: [Pair]
    var onDelete: Action
    var onUpdate: Action
    var isDeferrable: Bool
    /// The referring table, its partitions, and what it is a partition of.
    var family: [QualifiedName] = []
    /// The family, and tables whose rows go or change with rows of it.
    var reach: [QualifiedName] = []
    /// Whether the user may read the referring table.
    var isReadable: Bool
    /// Whether row-level security hides rows of it.
    var hidesRows: Bool

    /// Whether a row must not go before those that refer to it: the server would take them along, or refuse at once.
    /// Where the user can't see who refers, the server's refusal has to do.
    var holdsDeletes: Bool { onDelete.isSilent || isReadable && (onDelete == .restrict || !isDeferrable) }

    /// That a row is referred to, where both tables have these aliases.
    func condition(_ table: String, _ child: String) -> String {
        pairs.map { "\(table).\(Identifier($0.column)) \($0.equal) \(child).\(Identifier($0.referring))" }
            .joined(separator: " AND ")
    }

    /// Those that refer to a table or one of its partitions; none in a session in which foreign keys rest.
    static func read(_ table: String, _ connection: Connection) throws -> [ForeignKey] {
        let rows = try connection.query(
            """
            WITH RECURSIVE tree AS (
              SELECT $1::oid AS oid
              UNION ALL SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
                          JOIN pg_class p ON p.oid = i.inhrelid AND p.relispartition)
            SELECT k.oid, k.conrelid, k.conname, n.nspname, c.relname, k.confdeltype, k.confupdtype, k.condeferrable,
                   has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
                   row_security_active(c.oid), there.attname, here.attname,
                   'OPERATOR(' || quote_ident(s.nspname) || '.' || o.oprname || ')'
              FROM tree JOIN pg_constraint k ON k.confrelid = tree.oid AND k.contype = 'f'
              JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              CROSS JOIN LATERAL unnest(k.confkey, k.conkey, k.conpfeqop) WITH ORDINALITY AS u (there, here, equal, place)
              JOIN pg_attribute there ON there.attrelid = k.confrelid AND there.attnum = u.there
              JOIN pg_attribute here ON here.attrelid = k.conrelid AND here.attnum = u.here
              JOIN pg_operator o ON o.oid = u.equal JOIN pg_namespace s ON s.oid = o.oprnamespace
             WHERE current_setting('session_replication_role') <> 'replica'
               AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
               AND NOT EXISTS (SELECT FROM pg_constraint p JOIN tree t ON t.oid = p.confrelid WHERE p.oid = k.conparentid)
             ORDER BY n.nspname, c.relname, k.conname, k.oid, u.place
            """, [table])
        var keys: [ForeignKey] = []
        var last: String?
        for row in 0..<rows.count {
            let pair = Pair(
                column: rows[row, 10] ?? "", referring: rows[row, 11] ?? "", equal: rows[row, 12] ?? "=")
            if rows[row, 0] == last, let index = keys.indices.last {
                keys[index].pairs.append(pair)
                continue
            }
            last = rows[row, 0]
            var key = ForeignKey(
                name: rows[row, 2] ?? "", child: QualifiedName(rows[row, 3] ?? "", rows[row, 4] ?? ""), pairs: [pair],
                onDelete: rows[row, 5].flatMap { Action(rawValue: $0) } ?? .cascade,
                onUpdate: rows[row, 6].flatMap { Action(rawValue: $0) } ?? .cascade, isDeferrable: rows[row, 7] == "t",
                isReadable: rows[row, 8] == "t", hidesRows: rows[row, 9] == "t")
            try key.follow(rows[row, 1] ?? "", connection)
            keys.append(key)
        }
        return keys
    }

    private mutating func follow(_ child: String, _ connection: Connection) throws {
        let rows = try connection.query(
            """
            WITH RECURSIVE reach AS (
              SELECT $1::oid AS oid, true AS is_family
              UNION
              SELECT r.oid, reach.is_family AND r.is_family FROM reach CROSS JOIN LATERAL (
                SELECT i.inhparent, true FROM pg_inherits i WHERE i.inhrelid = reach.oid
                UNION ALL SELECT i.inhrelid, true FROM pg_inherits i WHERE i.inhparent = reach.oid
                UNION ALL SELECT k.conrelid, false FROM pg_constraint k
                           WHERE k.contype = 'f' AND k.confrelid = reach.oid
                             AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) AS r (oid, is_family))
            SELECT n.nspname, c.relname, bool_or(is_family)
              FROM reach JOIN pg_class c ON c.oid = reach.oid JOIN pg_namespace n ON n.oid = c.relnamespace
             GROUP BY 1, 2 ORDER BY 1, 2
            """, [child])
        for row in 0..<rows.count {
            let name = QualifiedName(rows[row, 0] ?? "", rows[row, 1] ?? "")
            reach.append(name)
            if rows[row, 2] == "t" { family.append(name) }
        }
    }

    /// What has one of its actions rest; `event` is DELETE or UPDATE.
    func remedy(_ event: String, user: String) -> String {
        let columns = pairs.map { Identifier($0.referring).quoted }.joined(separator: ", ")
        return
            "let the destination's user set session_replication_role, under which foreign keys rest (15 and later, as a superuser: "
            + "GRANT SET ON PARAMETER session_replication_role TO \(user)), or make it one without ON \(event): ALTER TABLE \(child) "
            + "DROP CONSTRAINT \(Identifier(name)), ADD FOREIGN KEY (\(columns)) REFERENCES … DEFERRABLE INITIALLY DEFERRED"
    }
}
