import Connectors
import Postgres

/// The statements that store changes of a table without a key, for a plan.
///
/// A row is known by its text, `ROW(…)::text`: what users see and what the log has. So `1.0` and `1.00`, `-0` and `0`, and what
/// a collation or citext takes for equal are told apart, NULL is like NULL, and types without an equality (json, point, xml)
/// do as well as others. The index over a hash of the columns (`ContentIndex`) only finds the rows that can be meant.
struct KeylessStatements {
    let plan: StorePlan
    let index: ContentIndex?
    /// What is changed: the plan's table, or one that has its columns.
    let target: QualifiedName

    init(_ plan: StorePlan, index: ContentIndex?) {
        self.plan = plan
        self.index = index
        target = plan.target
    }

    /// For the rows of a chunk that wait beside their table.
    init(beside plan: StorePlan) {
        self.plan = plan
        index = nil
        target = OverlayStatements.stage
    }

    private var stages: StageStatements { StageStatements(plan, stage: "") }
    private var isAside: Bool { target == OverlayStatements.stage }

    /// The row as text, byte by byte.
    private func image(_ alias: String) -> String {
        "ROW(" + plan.columns.map { "\(alias).\($0.name)" }.joined(separator: ", ") + ")::text COLLATE \"C\""
    }

    /// Rows that a soft delete has marked are nobody's any more.
    private func live(_ alias: String) -> String {
        plan.binding.deletes == .soft && !isAside ? " AND \(alias).\(RowStatements.operation) IS DISTINCT FROM 'd'" : ""
    }

    /// What happens to rows: they go, or are marked as deleted and otherwise left alone.
    enum Fate {
        case goes
        case isMarked
    }

    private func change(_ fate: Fate, of rows: String) -> SQL {
        let place = "t.ctid = d.place AND t.tableoid = d.part"
        switch fate {
        case .goes: return "DELETE FROM \(target) AS t USING (\(raw: rows)) AS d WHERE \(raw: place)"
        case .isMarked:
            let marks = ["\(RowStatements.operation) = 'd'"] + RowStatements(plan: plan).publishing
            return """
                UPDATE \(target) AS t SET \(raw: marks.joined(separator: ", ")) FROM (\(raw: rows)) AS d
                 WHERE \(raw: place)
                """
        }
    }

    // MARK: - One row

    /// Has one row of these values go. Parameters: every column in order.
    func one(_ fate: Fate) -> RowStatements.Prepared {
        // As the column would take it, with its length and precision.
        let all = plan.columns.enumerated().map { "$\($0 + 1)::\($1.destination.type)" }
        var terms = "\(image("u")) = ROW(\(all.joined(separator: ", ")))::text\(live("u"))"
        if let index {
            let some = index.columns.compactMap { name in
                plan.columns.firstIndex { $0.destination.name.isSameName(as: name) }
            }
            if some.count == index.columns.count {
                let values = some.map { all[$0] }.joined(separator: ", ")
                terms = "\(index.expression("u.")) = hash_record_extended(ROW(\(values)), 0) AND \(terms)"
            }
        }
        return RowStatements.Prepared(
            sql: change(
                fate, of: "SELECT u.ctid AS place, u.tableoid AS part FROM \(target) AS u WHERE \(terms) LIMIT 1"),
            types: plan.columns.map(\.destination.typeOID))
    }

    /// Adds a row. Parameters: every column in order, then the operation where the table keeps it.
    var add: RowStatements.Prepared {
        var names = plan.columns.map(\.name.quoted)
        var types = plan.columns.map(\.destination.typeOID)
        if plan.binding.keepsOperation {
            names.append(RowStatements.operation.quoted)
            types.append(MetadataColumn.operation.typeOID)
        }
        let values = names.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        return RowStatements.Prepared(
            sql: """
                INSERT INTO \(target) (\(raw: names.joined(separator: ", "))) OVERRIDING SYSTEM VALUE VALUES (\(raw: values))
                """, types: types)
    }

    // MARK: - Many rows

    /// Has as many rows go as the staging table has of each content with this operation. Where the index serves, it is looked
    /// into for each content until there are enough; else the table is read once.
    func many(_ fate: Fate, staged operation: Character, in stage: Identifier) -> SQL {
        let usable = index.flatMap { index in
            index.columns.allSatisfy { name in plan.columns.contains { $0.destination.name.isSameName(as: name) } }
                ? index : nil
        }
        let hash = usable.map { "\($0.expression("s.")) AS hash, " } ?? ""
        let wanted = """
            SELECT \(hash)\(image("s")) AS image, count(*) AS copies FROM pg_temp.\(stage) AS s
             WHERE s.\(stages.operation) = '\(operation)' GROUP BY \(usable == nil ? "1" : "1, 2")
            """
        if let usable {
            return change(
                fate,
                of: """
                    SELECT p.place, p.part FROM (\(wanted)) AS s CROSS JOIN LATERAL (
                      SELECT u.ctid AS place, u.tableoid AS part FROM \(target) AS u
                       WHERE \(usable.expression("u.")) = s.hash AND \(image("u")) = s.image\(live("u")) LIMIT s.copies) AS p
                    """)
        }
        return change(
            fate,
            of: """
                SELECT p.place, p.part FROM (
                  SELECT u.ctid AS place, u.tableoid AS part, s.copies, row_number() OVER (PARTITION BY s.image) AS number
                    FROM (\(wanted)) AS s JOIN \(target) AS u ON \(image("u")) = s.image\(live("u"))) AS p
                 WHERE p.number <= p.copies
                """)
    }

    // MARK: - A table that is read again

    /// Of each content, the target's rows that are more than those that wait beside it: they go, or are marked.
    func surplus(_ fate: Fate) -> SQL {
        change(
            fate,
            of: """
                SELECT p.place, p.part FROM (
                  SELECT u.ctid AS place, u.tableoid AS part, \(image("u")) AS image,
                         row_number() OVER (PARTITION BY \(image("u"))) AS number
                    FROM \(target) AS u WHERE true\(live("u"))) AS p
                  LEFT JOIN (SELECT \(image("s")) AS image, count(*) AS copies FROM \(OverlayStatements.stage) AS s
                              GROUP BY 1) AS s ON s.image = p.image
                 WHERE p.number > coalesce(s.copies, 0)
                """)
    }

    /// Of each content, the rows that wait beside the target and are more than its own are added.
    var missing: SQL {
        """
        INSERT INTO \(target) (\(raw: plan.columnList)) OVERRIDING SYSTEM VALUE
        SELECT \(raw: plan.columns.map { "p.\($0.name)" }.joined(separator: ", ")) FROM (
          SELECT s.*, \(raw: image("s")) AS \(stages.operation),
                 row_number() OVER (PARTITION BY \(raw: image("s"))) AS \(Identifier(stages.prefix + "number"))
            FROM \(OverlayStatements.stage) AS s) AS p
          LEFT JOIN (SELECT \(raw: image("u")) AS image, count(*) AS copies FROM \(target) AS u
                      WHERE true\(raw: live("u")) GROUP BY 1) AS u ON u.image = p.\(stages.operation)
         WHERE p.\(Identifier(stages.prefix + "number")) > coalesce(u.copies, 0)
        """
    }
}
