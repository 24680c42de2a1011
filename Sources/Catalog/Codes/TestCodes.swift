import Diagnostics

extension DiagnosticCode {
    /// The codes of tests.
    static let testCodes: [DiagnosticCode] = [
        .badDocuments, .invalidDocument, .verifyOrder, .stepTime, .failedStep, .irreducible, .partitionSelector,
    ]

    /// A file of documents that holds something else.
    static let badDocuments = DiagnosticCode(
        701, title: "not a list of documents",
        explanation: """
            The documents of a step are a list of objects, inline or in the file that is named.
            """,
        bad: """
            # flow.yaml
            collections: { shop/orders: { key: [/id] } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: orders.yaml }
            # orders.yaml
            - 1
            - 2
            """,
        mended: """
            # flow.yaml
            collections: { shop/orders: { key: [/id] } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: orders.yaml }
            # orders.yaml
            - { id: 1 }
            - { id: 2 }
            """)

    /// A document that its collection would refuse.
    static let invalidDocument = DiagnosticCode(
        702, title: "an ingested document does not fit its collection's schema",
        explanation: """
            What a test ingests is checked as captured documents are: by the collection's `schema`, or its \
            `writeSchema`. Mend the document or the schema.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: one }] }
                - verify: { collection: shop/orders, documents: [{ id: 1 }] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1 }] }
                - verify: { collection: shop/orders, documents: [{ id: 1 }] }
            """)

    /// Expected documents in another order than the collection's.
    static let verifyOrder = DiagnosticCode(
        703, title: "expected documents are not in the order of the key",
        explanation: """
            A verify step lists the collection's documents in the order of its key: null, false, true, numbers, \
            strings by their bytes.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1 }, { id: 2 }] }
                - verify: { collection: shop/orders, documents: [{ id: 2 }, { id: 1 }] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1 }, { id: 2 }] }
                - verify: { collection: shop/orders, documents: [{ id: 1 }, { id: 2 }] }
            """)

    /// A test that looks at a span of time.
    static let stepTime = DiagnosticCode(
        704, title: "a test's step can't choose by time",
        explanation: """
            A test's documents have no time of publication, so `notBefore` and `notAfter` choose nothing.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1 }] }
                - verify: { collection: { name: shop/orders, notBefore: "2026-01-01T00:00:00Z" }, documents: [{ id: 1 }] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1 }] }
                - verify: { collection: { name: shop/orders }, documents: [{ id: 1 }] }
            """)

    /// A collection that doesn't hold what a test expects.
    static let failedStep = DiagnosticCode(
        705, title: "a test fails",
        explanation: """
            The collection's documents, reduced by key, are not those that the step lists. A listed document needs \
            only the properties that matter; those that it has must be equal, and every document of the collection \
            must be listed, in the order of the key.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1, total: 2 }] }
                - verify: { collection: shop/orders, documents: [{ id: 1, total: 3 }] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, total: { type: integer } } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1, total: 2 }] }
                - verify: { collection: shop/orders, documents: [{ id: 1, total: 2 }] }
            """)

    /// Documents that can't be made one.
    static let irreducible = DiagnosticCode(
        706, title: "documents of one key can't be reduced",
        explanation: """
            A later document of a key is reduced into the earlier one as the schema's `reduce` annotations say, and \
            here a strategy got a value that it doesn't take. Mend the schema's types, or the document.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, log: { type: [array, string], reduce: { strategy: append } } }, reduce: { strategy: merge } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1, log: [a] }, { id: 1, log: b }] }
                - verify: { collection: shop/orders, documents: [{ id: 1 }] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, log: { type: array, reduce: { strategy: append } } }, reduce: { strategy: merge } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1, log: [a] }, { id: 1, log: [b] }] }
                - verify: { collection: shop/orders, documents: [{ id: 1 }] }
            """)

    /// A selection by something that is no partition.
    static let partitionSelector = DiagnosticCode(
        707, title: "a selection of partitions that can't be",
        explanation: """
            `partitions` chooses by the values of the collection's partitioned projections: fields of `projections` \
            with `partition: true`, each with a list of values of the field's type, none of them empty.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, region: { type: string } } }
                projections: { region: { location: /region, partition: false } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1, region: eu }] }
                - verify: { collection: { name: shop/orders, partitions: { include: { region: [eu] } } }, documents: [{ id: 1 }] }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema: { type: object, properties: { id: { type: integer }, region: { type: string } } }
                projections: { region: { location: /region, partition: true } }
            tests:
              shop/tests/orders:
                - ingest: { collection: shop/orders, documents: [{ id: 1, region: eu }] }
                - verify: { collection: { name: shop/orders, partitions: { include: { region: [eu] } } }, documents: [{ id: 1 }] }
            """)
}
