import Diagnostics

extension DiagnosticCode {
    /// The codes of names and of references to them.
    static let nameCodes: [DiagnosticCode] = [
        .illegalName, .undefinedCollection, .nameCollision, .namePrefix, .undefinedCapture, .definedTwice,
    ]

    /// A name with characters or slashes that it can't have.
    static let illegalName = DiagnosticCode(
        401, title: "an illegal name",
        explanation: """
            A name is made of letters and digits of any script, '-', '_' and '.', in parts joined by single slashes. \
            It does not begin or end with a slash and has no spaces.
            """,
        bad: """
            collections:
              shop//orders: { key: [/id] }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A reference to a collection that no file defines.
    static let undefinedCollection = DiagnosticCode(
        402, title: "a collection is not defined",
        explanation: """
            A capture writes to, or a materialization reads from, a collection that neither this file nor an import \
            defines under `collections`. Mend the name, define the collection, or import the file that does.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/ordrs }
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """)

    /// Two names that only differ in letter case, or are equal across kinds.
    static let nameCollision = DiagnosticCode(
        403, title: "two names collide",
        explanation: """
            Captures, collections, materializations and tests share one space of names, and letter case does not tell \
            two names apart. Rename one of them.
            """,
        bad: """
            captures:
              shop/orders:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A name that is a folder of another.
    static let namePrefix = DiagnosticCode(
        404, title: "a name is the beginning of another",
        explanation: """
            Names are paths: `shop/orders` can't be both a thing and the folder of `shop/orders/open`. Rename one.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
              shop/orders/open: { key: [/id] }
            """,
        mended: """
            collections:
              shop/orders/all: { key: [/id] }
              shop/orders/open: { key: [/id] }
            """)

    /// A reference to a capture that no file defines.
    static let undefinedCapture = DiagnosticCode(
        405, title: "a capture is not defined",
        explanation: """
            A materialization that takes its bindings from a capture names one which neither this file nor an import \
            defines under `captures`.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                source: shop/sorce
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """,
        mended: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                source: shop/source
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """)

    /// One name for two things of a kind, in two files.
    static let definedTwice = DiagnosticCode(
        406, title: "a name is defined in two files",
        explanation: """
            All files of a catalog are one catalog: a name can be defined once. Remove one of the definitions, or \
            rename it.
            """,
        bad: """
            # flow.yaml
            import: [orders.yaml]
            collections:
              shop/orders: { key: [/id] }
            # orders.yaml
            collections:
              shop/orders: { key: [/number] }
            """,
        mended: """
            # flow.yaml
            import: [orders.yaml]
            # orders.yaml
            collections:
              shop/orders: { key: [/number] }
            """)
}
