import Connectors
import Postgres

/// Finds the binding that a constraint belongs to which the server looks at when the commit comes.
struct DeferredFault {
    let link: LinkSpec
    /// Bindings that store nothing, so that it can't be theirs alone.
    let parked: Set<Int>

    /// The error with its binding, where the link has one. A row that others refer to can't go while they wait in a park:
    /// then it is the table that is referred to. The connection is in no transaction.
    func attributed(_ error: RunError, _ connection: Connection) -> RunError {
        guard let fault = error.rowFault, let schema = fault.schema, let table = fault.table else { return error }
        var names: [QualifiedName] = []
        // Partitions are named themselves; their constraint's names need not be the root's.
        let found = try? connection.query(
            """
            WITH RECURSIVE named AS (
              SELECT to_regclass($1)::oid AS oid UNION SELECT i.inhparent FROM pg_inherits i JOIN named ON i.inhrelid = named.oid),
            referred AS (
              SELECT k.confrelid AS oid FROM pg_constraint k JOIN named ON k.conrelid = named.oid
               WHERE k.contype = 'f' AND (k.conname = $2 OR named.oid <> to_regclass($1)))
            SELECT n.nspname, c.relname
              FROM (SELECT oid, 1 AS place FROM named UNION ALL SELECT oid, 2 FROM referred) t
              JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY place
            """, [QualifiedName(schema, table).quoted, fault.constraint])
        if let found { names = (0..<found.count).map { QualifiedName(found[$0, 0] ?? "", found[$0, 1] ?? "") } }
        for name in names {
            let place = link.bindings.indices.first { index in
                !parked.contains(index) && link.bindings[index].schema.isSameName(as: name.schema.name)
                    && link.bindings[index].name.isSameName(as: name.name.name)
            }
            guard let place else { continue }
            var error = error
            let binding = link.bindings[place]
            error.binding = binding.index
            error.object = "table \(binding.schema).\(binding.name)"
            return error
        }
        return error
    }
}
