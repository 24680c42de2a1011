import Diagnostics

extension DiagnosticCode {
    /// A key that names a location again.
    static let repeatedKey = DiagnosticCode(
        514, title: "a location that is in a key twice",
        explanation: """
            The key's locations become the destination table's primary key, in which a column stands once. A second \
            time would add nothing to what tells rows apart.
            """,
        bad: """
            collections:
              shop/lines: { key: [/order, /order] }
            """,
        mended: """
            collections:
              shop/lines: { key: [/order, /line] }
            """)

    /// An annotation `redact` that says nothing.
    static let badRedaction = DiagnosticCode(
        515, title: "an unknown redaction",
        explanation: """
            `redact` has a `strategy`: block, which removes the location's value before anything is stored, or sha256, \
            which stores a salted hash in its place. Of a column that is blocked nothing is stored, whatever a \
            binding's `fields` ask for.
            """,
        bad: """
            collections:
              shop/users:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: integer }, password: { type: string, redact: { strategy: blok } } }
            """,
        mended: """
            collections:
              shop/users:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: integer }, password: { type: string, redact: { strategy: block } } }
            """)

    /// A format that is nearly a known one.
    static let unknownFormat = DiagnosticCode(
        516, title: "a format that is nearly a known one",
        explanation: """
            JSON Schema allows any format, and one that nobody knows checks nothing. This one differs from a known one \
            by so little that it was probably meant. Known are those of draft 2020-12 and integer, number, int32, \
            int64, uint32, uint64, macaddr and macaddr8.
            """,
        bad: """
            collections:
              shop/orders:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: integer }, paid: { type: string, format: datetime } }
            """,
        mended: """
            collections:
              shop/orders:
                key: [/id]
                schema:
                  type: object
                  properties: { id: { type: integer }, paid: { type: string, format: date-time } }
            """)
}
