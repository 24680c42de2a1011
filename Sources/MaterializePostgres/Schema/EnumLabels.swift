import Connectors
import Postgres

/// Labels of enums, which grow in transactions of their own.
enum EnumLabels {
    /// In the enum's order; empty where there is no such enum.
    static func read(_ type: TypeDefinition, _ connection: Connection, _ scope: ErrorScope) throws -> [String] {
        let rows = try scope.rethrowing {
            try connection.query(
                """
                SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
                  JOIN pg_namespace n ON n.oid = t.typnamespace
                 WHERE n.nspname = $1 AND t.typname = $2 ORDER BY e.enumsortorder
                """, [type.schema, type.name])
        }
        return (0..<rows.count).map { rows[$0, 0] ?? "" }
    }

    /// Whether every label of `wanted` is there, in the same order.
    static func contains(_ there: [String], _ wanted: [String]) -> Bool {
        var rest = there[...]
        for label in wanted {
            guard let index = rest.firstIndex(where: { $0.isSameName(as: label) }) else { return false }
            rest = rest[(index + 1)...]
        }
        return true
    }

    /// What brings an enum's labels from `there` to `wanted`, in order; nil where adding labels can't.
    static func additions(_ type: TypeDefinition, there: [String], wanted: [String]) -> [String]? {
        guard contains(wanted, there) else { return nil }
        var statements: [String] = []
        for (index, label) in wanted.enumerated() where !there.containsName(label) {
            // Labels before this one are there by now.
            let place =
                index == 0
                ? there.first.map { " BEFORE \(SQL.literal($0))" } ?? "" : " AFTER \(SQL.literal(wanted[index - 1]))"
            statements.append("ALTER TYPE \(type.quoted) ADD VALUE IF NOT EXISTS \(SQL.literal(label))\(place)")
        }
        return statements
    }

    /// What gives labels their new names, where nothing else differs; nil otherwise. A label gets another name at the source
    /// without a word in the log, and the rows that hold it have the new one then. One whose new name another one has yet goes by way
    /// of a name of its own, in one transaction.
    static func renaming(_ type: TypeDefinition, there: [String], wanted: [String]) -> String? {
        let differing = zip(there, wanted).filter { !$0.isSameName(as: $1) }
        guard there.count == wanted.count, !differing.isEmpty else { return nil }
        func rename(_ old: String, _ new: String) -> String {
            "ALTER TYPE \(type.quoted) RENAME VALUE \(SQL.literal(old)) TO \(SQL.literal(new));"
        }
        guard differing.contains(where: { there.containsName($1) }) else {
            return differing.map { rename($0, $1) }.joined(separator: " ")
        }
        let aside = differing.indices.map { "flow_renamed_\($0)" }
        let away = zip(differing, aside).map { rename($0.0, $1) }
        let back = zip(differing, aside).map { rename($1, $0.1) }
        return (["BEGIN;"] + away + back + ["COMMIT;"]).joined(separator: " ")
    }

    /// Adds labels that enums lack, each in a transaction of its own: a new label can't be used in the transaction that
    /// adds it. The connection must be in none. Enums that are absent, or differ otherwise, are left to `TypeProvision`.
    static func extend(
        _ types: [TypeDefinition], _ connection: Connection, _ scope: ErrorScope, mayChange: Bool,
        _ provisioning: Provisioning
    ) throws -> [String] {
        var ran: [String] = []
        for type in types {
            guard case .enumeration(let wanted) = type.kind else { continue }
            let there = try read(type, connection, scope)
            guard !there.isEmpty, let statements = additions(type, there: there, wanted: wanted) else { continue }
            for statement in statements {
                guard mayChange else {
                    throw scope.error(
                        .needsOperator, "the type \(type.quoted) lacks labels, and schemaEvolution is none",
                        hint: "run: \(statement)")
                }
                if provisioning.isPlanned(statement) { continue }
                try scope.rethrowing {
                    try provisioning.take(
                        PlannedChange(
                            .change, "type \(type.quoted)", sql: statement, binding: scope.binding,
                            remark: "in a transaction of its own"))
                }
                ran.append(statement)
            }
        }
        return ran
    }
}
