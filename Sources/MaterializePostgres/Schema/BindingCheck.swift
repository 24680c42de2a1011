import Connectors
import Postgres

/// What must hold of a binding and its source's shape, whatever the destination has.
enum BindingCheck {
    static func run(_ binding: LinkBinding, _ shape: TableShape, _ scope: ErrorScope) throws {
        try checkKey(binding, shape, scope)
        var names: Set<Identifier> = []
        for column in shape.storedColumns {
            guard names.insert(Identifier(column.name)).inserted else {
                throw scope.error(
                    .needsOperator, "two columns would be called \"\(column.name)\" at the destination",
                    hint: "exclude one of the fields, or name the projection otherwise")
            }
            guard !binding.metadataColumns.contains(where: { $0.name.isSameName(as: column.name) }) else {
                throw scope.error(
                    .needsOperator, "the source's column \"\(column.name)\" has the name of a metadata column",
                    hint: "exclude the field")
            }
        }
        let known =
            binding.metadataColumns.map(\.name) + shape.storedColumns.map(\.name) + shape.generated.map(\.name)
        for field in binding.requiredFields where !known.containsName(field) {
            throw scope.error(
                .needsOperator,
                "the required field \"\(field)\" is neither a column that is taken from the source nor metadata that "
                    + "\(binding.mode == .upsert ? "an upsert" : "a delta") table can keep",
                hint:
                    "remove it from fields.require; or, where the source's column has another name now, name it by that"
            )
        }
    }

    private static func checkKey(_ binding: LinkBinding, _ shape: TableShape, _ scope: ErrorScope) throws {
        guard binding.mode == .upsert else { return }
        guard !binding.isKeylessMirror || !binding.adopts else {
            throw scope.error(
                .needsOperator,
                "adopt: true needs a key: without one, rows that are there can't be told from the source's",
                hint: "empty the table and take adopt out, give the collection a key, or set delta_updates: true")
        }
        guard !binding.isKeylessMirror || shape.hasWholeOldRows else {
            let table = QualifiedName(shape.namespace, shape.name)
            throw scope.error(
                .needsOperator,
                "its collection has no key among its columns, and the source's log lacks columns of the rows that updates and "
                    + "deletes are of: which ones they were could not be told",
                hint: "at the source: ALTER TABLE \(table) REPLICA IDENTITY FULL; or give the collection a key, or set "
                    + "delta_updates: true")
        }
        for name in binding.key {
            guard
                let column = shape.columns.first(where: {
                    ($0.isStored ? $0.name : binding.destinationName(of: $0.name)).isSameName(as: name)
                })
            else {
                throw scope.error(
                    .needsOperator,
                    "the collection's key names the column \"\(name)\", which the source table doesn't have",
                    hint: "name columns of the table in the collection's key")
            }
            guard column.isStored else {
                throw scope.error(
                    .needsOperator, "the field \"\(name)\" is part of the key and can't be left out",
                    hint: "remove it from fields.exclude, and let the collection's schema have it")
            }
        }
    }
}
