import Diagnostics

extension DiagnosticCode {
    /// The codes of collections.
    static let collectionCodes: [DiagnosticCode] = [
        .schemaCombination, .emptyKey, .pointerSyntax, .keyLocation, .keyType, .schemaNotObject, .badSchema,
        .unknownField, .contradiction, .badReduction, .keyReduction, .projection, .noSuchField,
        .repeatedKey, .badRedaction, .unknownFormat,
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
        508, title: "a selection of fields that can't be met",
        explanation: """
            A field of a binding is either taken or left out: remove it from `require` or from `exclude`. A mirrored \
            table keeps the columns of its key. What can only be null, and what the schema removes by `redact`, can't \
            be required.
            """,
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

    /// A schema that asks for what it forbids.
    static let contradiction = DiagnosticCode(
        509, title: "a schema that contradicts itself",
        explanation: """
            No document could ever be right by this part of the schema, or its reduction could never work: a property \
            that must be there but allows no value, a default that its own schema refuses, a sum of text, a reduction \
            within a value that has none itself.
            """,
        bad: """
            collections:
              shop/totals:
                key: [/id]
                schema:
                  type: object
                  reduce: { strategy: merge }
                  properties: { id: { type: integer }, total: { type: string, reduce: { strategy: sum } } }
            """,
        mended: """
            collections:
              shop/totals:
                key: [/id]
                schema:
                  type: object
                  reduce: { strategy: merge }
                  properties: { id: { type: integer }, total: { type: string, format: number, reduce: { strategy: sum } } }
            """)

    /// A reduction that there isn't.
    static let badReduction = DiagnosticCode(
        510, title: "an unknown reduction",
        explanation: """
            `reduce` has a `strategy`: firstWriteWins, lastWriteWins (with `associative` and `delete`), append, merge \
            (with `key` and `delete`), minimize and maximize (with `key`), sum, set (with `key`), or jsonSchemaMerge. \
            A `key` is a list of JSON pointers.
            """,
        bad: """
            collections:
              shop/totals:
                key: [/id]
                schema:
                  type: object
                  reduce: { strategy: merge }
                  properties: { id: { type: integer }, total: { type: number, reduce: { strategy: added } } }
            """,
        mended: """
            collections:
              shop/totals:
                key: [/id]
                schema:
                  type: object
                  reduce: { strategy: merge }
                  properties: { id: { type: integer }, total: { type: number, reduce: { strategy: sum } } }
            """)

    /// A key that would change as documents are reduced.
    static let keyReduction = DiagnosticCode(
        511, title: "a key that is reduced",
        explanation: """
            Documents of one key are reduced to one, so the key itself can't be a sum or a set of theirs. Only \
            lastWriteWins, which changes nothing, is allowed at a key.
            """,
        bad: """
            collections:
              shop/totals:
                key: [/id]
                schema:
                  type: object
                  reduce: { strategy: merge }
                  properties: { id: { type: integer, reduce: { strategy: sum } } }
            """,
        mended: """
            collections:
              shop/totals:
                key: [/id]
                schema:
                  type: object
                  reduce: { strategy: merge }
                  properties: { id: { type: integer } }
            """)

    /// A projection that gives a name to the wrong location.
    static let projection = DiagnosticCode(
        512, title: "a projection that can't be",
        explanation: """
            A projection names a location of the collection's documents. The location must be one that the schema \
            has, and a name that is a location's own can't be given to another one. The name of a partition has no \
            slashes.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, name: { type: string } } }
                projections: { id: /name }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, name: { type: string } } }
                projections: { title: /name }
            """)

    /// A field that the collection doesn't have.
    static let noSuchField = DiagnosticCode(
        513, title: "a field that the collection does not have",
        explanation: """
            A field is a location without its first slash (`address/city`), or the name of a projection. The \
            collection's schema has no such location. A field that is excluded by a wrong name stays where it is.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: shop/orders }]
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, email: { type: string } } }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders }
                    fields: { recommended: true, exclude: [emial] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings: [{ resource: { namespace: public, stream: orders }, target: shop/orders }]
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, email: { type: string } } }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders }
                    fields: { recommended: true, exclude: [email] }
            """)
}
