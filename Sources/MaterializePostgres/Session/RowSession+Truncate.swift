import Connectors
import Postgres

/// Tables that are emptied.
extension RowSession {
    /// Empties upsert tables: in one statement, so that foreign keys among them don't matter. Soft deletes flag every row;
    /// where deletes are ignored nothing happens.
    func truncate(_ bound: [BoundTable]) throws {
        try begin()
        for table in bound where table.binding.deletes == .soft {
            let assignments =
                ["\(RowStatements.operation) = 'd'"]
                + (table.binding.keepsPublishingTime
                    ? ["\(Identifier(MetadataColumn.publishedAt.name)) = now()"] : [])
            try send(
                """
                UPDATE \(table.name) SET \(raw: assignments.joined(separator: ", "))
                 WHERE \(RowStatements.operation) IS DISTINCT FROM 'd'
                """, table.scope("flag all rows"))
        }
        let emptied = bound.filter { $0.binding.deletes == .hard }
        guard let first = emptied.first else { return }
        try send("SAVEPOINT flow_truncate", first.scope("truncate"))
        try drain()
        do {
            let list = emptied.map(\.name.quoted).joined(separator: ", ")
            try send("TRUNCATE \(raw: list)", first.scope("truncate"))
            try drain()
        } catch let error as RunError where error.sqlState == "42501" || error.sqlState == "0A000" {
            // Without the privilege, or with a table that refers to one of these: row by row.
            try send("ROLLBACK TO SAVEPOINT flow_truncate", first.scope("truncate"))
            let order = tables.order.childrenFirst(emptied.map(\.number))
            for table in try order.map({ try tables.attached($0) }) {
                let scope = table.scope("delete all rows")
                let plan = try plan(for: table.layout.shape, of: table)
                if let waiting = holding(table, plan) {
                    try remove(waiting, table, where: "true", scope)
                } else {
                    try send("DELETE FROM \(table.name)", scope)
                }
            }
        }
        try send("RELEASE SAVEPOINT flow_truncate", first.scope("truncate"))
    }
}
