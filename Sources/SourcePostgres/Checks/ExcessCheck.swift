import Connectors
import Postgres

/// What the capture's user may do and a capture never does.
struct ExcessCheck {
    let checking: SourceChecking

    func run(_ tables: [TableSource]) throws {
        for right in try RoleRights.excess(checking.connection) {
            checking.add(
                .excess, "role", right.what, right.remedy.map { .sql($0) }, isOfRole: true)
            if right.isEverything { return }
        }
        let oids = ArrayText.of(tables.map(\.oid))
        let rows = try checking.connection.query(
            """
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = ANY (\(literal: oids)::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE')
               AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
             ORDER BY 1, 2
            """)
        let names = (0..<rows.count).map { QualifiedName(rows[$0, 0] ?? "", rows[$0, 1] ?? "").quoted }
        guard !names.isEmpty else { return }
        let list = names.joined(separator: ", ")
        checking.add(
            .excess, "captured tables", "the role may write to \(list)",
            .sql("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON \(list) FROM \(checking.role);"), isOfRole: true)
    }
}
