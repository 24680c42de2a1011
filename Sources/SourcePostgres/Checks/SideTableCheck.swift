import Connectors
import Postgres

/// Whether watermarks, signal and heartbeat tables can be used, or made.
struct SideTableCheck {
    let checking: SourceChecking

    /// What was found: those that are there, and what is to become of the others.
    struct Found {
        var present: [SideTables.Table] = []
        /// The role may make them, and a run does.
        var own: [SideTables.Table] = []
        /// Somebody else has to.
        var others: [SideTables.Table] = []
    }

    func run() throws -> Found {
        var found = Found(present: try present())
        let names = Set(found.present.map(\.name))
        for table in checking.config.sideTables.tables {
            if names.contains(table.name) {
                try checkPrivileges(table)
                if table.kind == SideTables.signalKind { try checkColumns(table) }
            } else if checking.config.isReadOnly || checking.server.isStandby {
                checking.add(
                    .unmet, "\(table.kind) \(table.name)",
                    "it is missing, and this capture writes nothing to the source",
                    .step("remove it from the capture's config"))
            } else if try checking.refusal({ try checking.connection.execute("\(raw: table.create)") }) == nil {
                found.own.append(table)
            } else {
                found.others.append(table)
                checking.add(
                    .unmet, "\(table.kind) \(table.name)", "it is missing, and the role may not make it",
                    .sql(making(table)), isOfRole: true)
            }
        }
        return found
    }

    /// Has somebody else make one for the role.
    func making(_ table: SideTables.Table) -> String {
        "CREATE SCHEMA IF NOT EXISTS \(table.name.schema); \(table.create) " + grants(table, table.privileges)
    }

    /// Signals are read by their columns' places.
    private func checkColumns(_ table: SideTables.Table) throws {
        guard try table.hasOtherSignalColumns(checking.connection) else { return }
        checking.add(
            .unmet, "\(table.kind) \(table.name)", "its first columns are not id, type and data, in this order",
            .step("drop it, so that flowctl makes it, or name another one in the capture's config"))
    }

    private func present() throws -> [SideTables.Table] {
        try checking.config.sideTables.tables.filter { table in
            try checking.connection.query(
                """
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
                """, [table.name.schema.name, table.name.name.name]
            ).count > 0
        }
    }

    private func checkPrivileges(_ table: SideTables.Table) throws {
        let missing = try table.privileges.filter { privilege in
            try checking.connection.query(
                """
                SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, $3)
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
                """, [table.name.schema.name, table.name.name.name, privilege])[0, 0] != "t"
        }
        guard !missing.isEmpty else { return }
        checking.add(
            .unmet, "\(table.kind) \(table.name)", "the role lacks \(missing.joined(separator: ", ")) on it",
            .sql(grants(table, missing)), isOfRole: true)
    }

    private func grants(_ table: SideTables.Table, _ privileges: [String]) -> String {
        "GRANT USAGE ON SCHEMA \(table.name.schema) TO \(checking.role); "
            + "GRANT \(privileges.joined(separator: ", ")) ON \(table.name) TO \(checking.role);"
    }
}
