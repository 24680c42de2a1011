import Connectors
import Postgres

/// The statements that append changes to a delta table, for a plan.
struct DeltaStatements {
    let plan: StorePlan

    private var names: String {
        (plan.columns.map(\.name) + MetadataColumn.ofDelta.map { Identifier($0.name) }).map(\.quoted)
            .joined(separator: ", ")
    }

    /// Takes the columns, then the metadata in `MetadataColumn.ofDelta`'s order.
    var copy: SQL { "COPY \(plan.target) (\(raw: names)) FROM STDIN" }

    /// The same for one row, as parameters.
    var insert: RowStatements.Prepared {
        let types = plan.columns.map(\.destination.typeOID) + MetadataColumn.ofDelta.map(\.typeOID)
        let values = types.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        return RowStatements.Prepared(
            sql: "INSERT INTO \(plan.target) (\(raw: names)) OVERRIDING SYSTEM VALUE VALUES (\(raw: values))",
            types: types)
    }
}
