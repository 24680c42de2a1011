import Diagnostics

extension DiagnosticCode {
    /// The codes of collections.
    static let collectionCodes: [DiagnosticCode] = [
        .schemaCombination, .emptyKey, .pointerSyntax, .keyLocation, .keyType, .schemaNotObject, .badSchema,
        .unknownField,
    ]

    /// Not exactly one of `schema` and `writeSchema` + `readSchema`.
    static let schemaCombination = DiagnosticCode(
        501, title: "schemas that exclude each other",
        explanation: """
            A collection has one `schema` for writing and reading, or both a `writeSchema` and a `readSchema`, or none \
            at all: then its columns are those of the captured table.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer } }, required: [id] }
                readSchema: { type: object, properties: { id: { type: integer } }, required: [id] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                writeSchema: { type: object, properties: { id: { type: integer } }, required: [id] }
                readSchema: { type: object, properties: { id: { type: integer } }, required: [id] }
            """)

    /// A collection without a key.
    static let emptyKey = DiagnosticCode(
        502, title: "a collection's key is empty",
        explanation: """
            The key tells rows apart and becomes the destination's primary key: at least one JSON pointer. For a table \
            without a primary key, name columns that are unique together, or use /_meta/source/loc/0 to 2.
            """,
        bad: """
            collections:
              shop/orders: { key: [] }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            """)

    /// Text that is not a JSON pointer.
    static let pointerSyntax = DiagnosticCode(
        503, title: "not a JSON pointer",
        explanation: """
            A JSON pointer is a slash before each name: /id, /address/city. A slash within a name is written ~1, a \
            tilde ~0.
            """,
        bad: """
            collections:
              shop/orders: { key: [id] }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A key that its schema doesn't speak of.
    static let keyLocation = DiagnosticCode(
        504, title: "a location that the schema does not have",
        explanation: """
            The collection's schema says nothing about this location, or forbids it, so no row could be told by it. \
            Add the property to the schema, or mend the pointer.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/number]
                schema:
                  type: object
                  properties: { id: { type: integer } }
                  required: [id]
                  additionalProperties: false
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: integer } }
                  required: [id]
                  additionalProperties: false
            """)

    /// A key of a type that has no order.
    static let keyType = DiagnosticCode(
        505, title: "a key of a type that can't be a key",
        explanation: "A key's value is an integer, a string or a boolean; null may be allowed beside it.",
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: object } }
                  required: [id]
                  additionalProperties: false
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: string } }
                  required: [id]
                  additionalProperties: false
            """)

    /// A schema of something that is no row.
    static let schemaNotObject = DiagnosticCode(
        506, title: "a collection's schema is not of objects",
        explanation: "A collection's documents are rows, so its schema is of type object.",
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: array, items: { type: object, properties: { id: { type: integer } }, required: [id] } }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer } }, required: [id] }
            """)

    /// A schema that is not JSON Schema.
    static let badSchema = DiagnosticCode(
        507, title: "not a valid JSON Schema",
        explanation: """
            The schema breaks the rules of JSON Schema, draft 2020-12: an unknown keyword, a keyword's value of the \
            wrong form, or a reference to nothing. Keywords that begin with x- are accepted.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer } }, requierd: [id] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer } }, required: [id] }
            """)

    /// A field selection that the collection can't meet.
    static let unknownField = DiagnosticCode(
        508, title: "a field both required and excluded",
        explanation: "A field of a binding is either taken or left out. Remove it from `require` or from `exclude`.",
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders }
                    fields: { recommended: true, require: { note: {} }, exclude: [note] }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders }
                    fields: { recommended: true, exclude: [note] }
            """)
}
