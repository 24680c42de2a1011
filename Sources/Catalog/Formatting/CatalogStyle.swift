import Diagnostics
import YAML

/// The one style of catalog files (docs/catalog.md): what `flowctl fmt` writes.
public enum CatalogStyle {
    /// The text of a catalog's file in the style; nil where the file is at fault, which goes to the collector. Only what is
    /// no YAML or JSON is a fault here.
    public static func format(_ file: SourceFile, _ diagnostics: inout DiagnosticCollector) -> String? {
        YAMLFormatter(order: order).format(file, &diagnostics)
    }

    /// The order of a catalog's keys. What is in connectors' configs, resources and JSON Schemas stays in its own order.
    public static let order = KeyOrder(
        ["$schema", "import", "captures", "collections", "materializations", "tests"],
        below: [
            "captures": KeyOrder(other: capture), "collections": KeyOrder(other: collection),
            "materializations": KeyOrder(other: materialization), "tests": KeyOrder(other: test),
        ], separatesSections: true)

    private static let endpoint = KeyOrder(below: ["connector": KeyOrder(["image", "config"])])

    private static let capture = KeyOrder(
        [
            "endpoint", "bindings", "autoDiscover", "interval", "shards", "expectPubId", "delete", "reset",
            "redactSalt",
        ],
        below: [
            "endpoint": endpoint, "bindings": KeyOrder(items: KeyOrder(["resource", "target", "disable", "backfill"])),
        ])

    private static let collection = KeyOrder([
        "key", "schema", "writeSchema", "readSchema", "projections", "journals", "derive", "expectPubId", "delete",
        "reset",
    ])

    private static let materialization = KeyOrder(
        [
            "endpoint", "source", "sourceCapture", "targetNaming", "bindings", "onIncompatibleSchemaChange", "triggers",
            "shards", "expectPubId", "delete", "reset",
        ],
        below: [
            "endpoint": endpoint, "source": KeyOrder(["capture", "deltaUpdates", "fieldsRecommended", "targetNaming"]),
            "bindings": KeyOrder(
                items: KeyOrder(
                    [
                        "source", "resource", "fields", "disable", "priority", "backfill", "onIncompatibleSchemaChange",
                    ],
                    below: [
                        "source": KeyOrder(["name", "partitions", "notBefore", "notAfter"]),
                        "fields": KeyOrder(["recommended", "require", "include", "exclude", "groupBy"]),
                    ])),
        ])

    private static let test = KeyOrder(["description", "steps", "expectPubId", "delete"])
}
