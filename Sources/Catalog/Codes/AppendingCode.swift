import Diagnostics

extension DiagnosticCode {
    /// What append-only tables have no use for.
    static let onlyMirrored = DiagnosticCode(
        614, title: "an append-only table with what only mirrors have",
        explanation: """
            With delta_updates (or insertMode: insert) every change becomes a row of its own, and none is ever changed or removed: \
            a delete is a row with d in _meta/op. So deleteMode: soft and ignore have nothing to do there, and \
            adopt, which fills a table over its rows and removes what the source lacks, has no rows that it could \
            tell apart.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders_log, delta_updates: true, deleteMode: soft } }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders_log, delta_updates: true } }
            """)
}
