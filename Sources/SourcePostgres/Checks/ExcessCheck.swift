import Connectors
import Postgres

/// What the capture's user may do and a capture never does: write to the captured tables, do more with the tables beside them than
/// it must, make what is there already, read what isn't captured. A right is named where it comes from, which is where it can be
/// taken away. What an owner may do is not meant: to publish a table takes its owner.
struct ExcessCheck {
    let checking: SourceChecking
    /// Of the tables beside the captured ones those that are there.
    let sideTables: [SideTables.Table]
    /// Whether the role would make others yet.
    let makesSideTables: Bool

    private static let writing = ["INSERT", "UPDATE", "DELETE", "TRUNCATE"]

    func run(_ tables: [TableSource]) throws {
        for right in try RoleRights.excess(checking.connection) {
            checking.add(.excess, "role", right.what, right.remedy.map { .sql($0) }, isOfRole: true)
            if right.isEverything { return }
        }
        let names = tables.map(\.name)
        try checkWriting(names)
        try checkSideTables()
        try checkMaking(names)
        try checkReading(names)
    }

    private func checkWriting(_ names: [QualifiedName]) throws {
        let rights = try GrantedRight.find(
            names.map { .init(.table, $0, ExcessCheck.writing) }, checking.connection)
        try report(rights, "captured tables", { names[$0].quoted }) { "the role may write to \($0)" }
    }

    /// The user may delete its own row of a watermarks table, as `delete` does.
    private func checkSideTables() throws {
        for table in sideTables {
            let needed = table.privileges + (table.kind == SideTables.watermarksKind ? ["DELETE"] : [])
            let unneeded = ExcessCheck.writing.filter { !needed.contains($0) }
            for right in try GrantedRight.find([.init(.table, table.name, unneeded)], checking.connection) {
                checking.add(
                    .excess, "\(table.kind) \(table.name)",
                    "the role may \(right.privileges.joined(separator: ", ")) there\(right.path), and needs "
                        + "\(table.privileges.joined(separator: ", ")) only",
                    .sql(right.revocation(right.privileges, on: table.name.quoted)), isOfRole: true)
            }
        }
    }

    /// CREATE serves to make the publication and the tables beside the captured ones; a role that has made the publication
    /// itself may have to make it again. Older servers let everybody make tables in `public`, which is theirs to decide.
    private func checkMaking(_ names: [QualifiedName]) throws {
        let rows = try checking.connection.query(
            """
            SELECT quote_ident(current_database()) FROM pg_publication
             WHERE pubname = $1 AND NOT pg_has_role(pubowner, 'USAGE')
            """, [checking.config.publication])
        guard rows.count > 0, let database = rows[0, 0] else { return }
        for right in try GrantedRight.find([.init(.database, nil, ["CREATE"])], checking.connection) {
            checking.add(
                .excess, "database \(database)",
                "the role may make schemas and publications in it\(right.path), and the publication is there",
                .sql(right.revocation(["CREATE"], on: "DATABASE \(database)")), isOfRole: true)
        }
        guard !makesSideTables else { return }
        let schemas = Set((names + sideTables.map(\.name)).map(\.schema)).sorted { $0.name < $1.name }
        let rights = try GrantedRight.find(
            schemas.map { .init(.schema, QualifiedName($0.name, ""), ["CREATE"]) }, checking.connection
        ).filter { $0.grantee != "PUBLIC" || schemas[$0.question].name != "public" }
        try report(rights, "schemas", { schemas[$0].quoted }, on: "SCHEMA ") {
            "the role may make tables in \($0)"
        }
    }

    /// Everything, where single tables would do.
    private func checkReading(_ names: [QualifiedName]) throws {
        let memberships = try RoleRights.memberships(in: ["pg_read_all_data"], checking.connection)
        guard let first = memberships.first else { return }
        let read = names + sideTables.filter { $0.privileges.contains("SELECT") }.map(\.name)
        var statements: [String] = []
        if !read.isEmpty {
            let schemas = Set(read.map(\.schema)).sorted { $0.name < $1.name }
            statements = [
                "GRANT USAGE ON SCHEMA \(schemas.map(\.quoted).joined(separator: ", ")) TO \(checking.role);",
                "GRANT SELECT ON \(read.map(\.quoted).joined(separator: ", ")) TO \(checking.role);",
            ]
        }
        statements += memberships.map(\.revocation)
        checking.add(
            .excess, "role", "it may read every table as a member of pg_read_all_data\(first.path)",
            .sql(statements.joined(separator: " ")), isOfRole: true)
    }

    /// One finding for each grantee, about all that it is given.
    private func report(
        _ rights: [GrantedRight], _ object: String, _ name: (Int) -> String, on keyword: String = "",
        _ message: (String) -> String
    ) throws {
        var grantees: [String] = []
        for right in rights where !grantees.contains(right.grantee) { grantees.append(right.grantee) }
        for grantee in grantees {
            let own = rights.filter { $0.grantee == grantee }
            guard let first = own.first else { continue }
            let list = own.map { name($0.question) }.joined(separator: ", ")
            let privileges = Set(own.flatMap(\.privileges)).sorted()
            checking.add(
                .excess, object, message(list) + first.path, .sql(first.revocation(privileges, on: keyword + list)),
                isOfRole: true)
        }
    }
}
