import Diagnostics
import YAML

extension DiagnosticCode {
    /// The codes of captures, materializations and their bindings.
    static let taskCodes: [DiagnosticCode] = [
        .unknownConnector, .wrongConnectorKind, .duplicateResource, .unfedCollection, .timeOrder, .sharedSlot,
        .noBindings, .sharedTable, .longName, .tableLoop, .sealedValue, .splitCommits,
        .ownTable, .onlyMirrored,
    ]

    /// An image that no built-in connector belongs to.
    static let unknownConnector = DiagnosticCode(
        601, title: "an unknown connector",
        explanation: """
            The last part of the image's path, without tag or digest, chooses a built-in connector: source-postgres \
            for a capture, materialize-postgres for a materialization. No container is ever started.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-mysql, config: source.yaml } }
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

    /// A connector that does the other half.
    static let wrongConnectorKind = DiagnosticCode(
        602, title: "a connector of the other kind",
        explanation: "A capture needs a source connector, a materialization one that materializes.",
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
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

    /// Two bindings of one task for one table.
    static let duplicateResource = DiagnosticCode(
        603, title: "two bindings of one task name the same table",
        explanation: """
            Within a task each enabled binding is of a table of its own: a captured one by namespace and stream, a \
            destination's by schema (the endpoint's where the binding has none) and table. Case matters.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
              shop/items: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
                  - { source: shop/items, resource: { table: orders } }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
              shop/items: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
                  - { source: shop/items, resource: { table: items } }
            """)

    /// A materialized collection that stays empty.
    static let unfedCollection = DiagnosticCode(
        604, title: "a materialized collection that no capture writes",
        explanation: """
            No enabled binding of a capture has this collection as its target, so nothing will ever arrive. Add the \
            capture's binding, import the file that has it, or disable this one.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
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
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """)

    /// An empty span of time.
    static let timeOrder = DiagnosticCode(
        605, title: "notBefore is not before notAfter",
        explanation: "The two bounds leave no time between them, so no row would pass.",
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: { name: shop/orders, notBefore: "2026-02-01T00:00:00Z", notAfter: "2026-01-01T00:00:00Z" }
                    resource: { table: orders }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: { name: shop/orders, notBefore: "2026-01-01T00:00:00Z", notAfter: "2026-02-01T00:00:00Z" }
                    resource: { table: orders }
            """)

    /// Two captures on one slot.
    static let sharedSlot = DiagnosticCode(
        606, title: "two captures use the same replication slot",
        explanation: """
            A replication slot remembers one reader's place. Two captures of one database need a slot each: set \
            advanced.slotName of one of them.
            """,
        bad: """
            captures:
              shop/source:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, password: { env: P }, advanced: { slotName: flow } } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
              shop/second:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, password: { env: P }, advanced: { slotName: flow } } }
                bindings:
                  - { resource: { namespace: public, stream: items }, target: shop/items }
            collections:
              shop/orders: { key: [/id] }
              shop/items: { key: [/id] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, password: { env: P }, advanced: { slotName: flow } } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
              shop/second:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, password: { env: P }, advanced: { slotName: flow_second } } }
                bindings:
                  - { resource: { namespace: public, stream: items }, target: shop/items }
            collections:
              shop/orders: { key: [/id] }
              shop/items: { key: [/id] }
            """)

    /// Two materializations into one table.
    static let sharedTable = DiagnosticCode(
        608, title: "two materializations write the same table",
        explanation: """
            Each materialization keeps its table equal to its own collection, so two of them undo each other's rows. \
            Bind the collections to tables of their own, or let both captures write one collection.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
              shop/items: { key: [/id] }
            materializations:
              shop/one:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
              shop/two:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/items, resource: { table: orders } }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
              shop/items: { key: [/id] }
            materializations:
              shop/one:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
              shop/two:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/items, resource: { table: items } }
            """)

    /// A name that Postgres would cut.
    static let longName = DiagnosticCode(
        609, title: "a name that is too long for Postgres",
        explanation: """
            Names of tables, schemas and columns have 63 bytes at most. Postgres silently cuts off the rest, so the \
            table would have another name than the catalog says, perhaps that of another table.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders_of_all_shops_and_warehouses_of_all_shops_and_warehouses_in_europe }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders_in_europe }
            """)

    /// Changes that come back to where they were captured.
    static let tableLoop = DiagnosticCode(
        610, title: "a captured table gets its own changes back",
        explanation: """
            What is captured from the table is written into it again, itself or by way of other tables. Each change \
            would make the next one, without end. Write into another table, schema or database.
            """,
        bad: """
            captures:
              shop/source:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, database: shop, password: { env: P } } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/copy:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: db, database: shop, user: flow, password: { env: P } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """,
        mended: """
            captures:
              shop/source:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, database: shop, password: { env: P } } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/copy:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: db, database: shop, user: flow, password: { env: P } }
                bindings:
                  - { source: shop/orders, resource: { table: orders, schema: copies } }
            """)

    /// A table in which flowctl keeps how far it is.
    static let ownTable = DiagnosticCode(
        613, title: "a table of flowctl's own",
        explanation: """
            In the schema that advanced.metadataSchema names (flow, where it is not set) flowctl keeps how far each link \
            is, in the tables bindings, checkpoints, parked_changes, parks and signals, and adopting_ and a number for a while. \
            Rows written there would have it begin anew or leave rows out; a capture of them would make a change \
            of each of its own commits. Name another table, or have flowctl keep its own in another schema.
            """,
        bad: """
            collections:
              shop/signals: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: db, database: shop, user: flow, password: { env: P }, schema: flow }
                bindings:
                  - { source: shop/signals, resource: { table: signals } }
            """,
        mended: """
            collections:
              shop/signals: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: db, database: shop, user: flow, password: { env: P }, schema: shop }
                bindings:
                  - { source: shop/signals, resource: { table: signals } }
            """)

    /// Rows of one source transaction that are committed by several writers.
    static let splitCommits = DiagnosticCode(
        612, title: "commits that several writers share",
        explanation: """
            With tasks above 1 a large commit is split by table: each writer commits its own tables, one after the other as \
            they get ready. Whoever reads there can see a table that has a transaction of the source beside one that \
            does not have it yet. Every table by itself has whole transactions, in order, each once. With one task, \
            all tables of a link show the same state of the source at any moment.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: db, database: shop, user: flow, password: { env: P }, tasks: 4 }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: db, database: shop, user: flow, password: { env: P } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """)

    /// A task that does nothing.
    static let noBindings = DiagnosticCode(
        607, title: "a task without an enabled binding",
        explanation: "The task would connect and move nothing. Add a binding, or disable the task with shards.disable.",
        bad: """
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings: []
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders } }
            """)
}

extension DiagnosticCode {
    /// All codes of catalogs: those of their text, files, shape, names, collections, tasks and tests.
    public static let catalogCodes =
        documentCodes + loadCodes + shapeCodes + nameCodes + collectionCodes + taskCodes + testCodes
}
