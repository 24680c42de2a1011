import Diagnostics

extension DiagnosticCode {
    /// The codes of files that a catalog names.
    static let loadCodes: [DiagnosticCode] = [.unreadableFile, .notAFile, .emptyFile, .danglingReference]

    /// A file that can't be opened or read.
    public static let unreadableFile = DiagnosticCode(
        201, title: "a file can't be read",
        explanation: """
            The file is not there, is a folder, or may not be read. A path in a catalog is relative to the folder of \
            the file that names it, not to the folder in which the command runs.
            """,
        bad: """
            # flow.yaml
            import: [collections.yaml]
            # shared/collections.yaml
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            # flow.yaml
            import: [shared/collections.yaml]
            # shared/collections.yaml
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A URL where a file is expected.
    static let notAFile = DiagnosticCode(
        202, title: "a URL is given where a file is expected",
        explanation: """
            Imports, configs and schemas are read from files only, so that a catalog means the same today and \
            tomorrow. Keep a copy of the document beside the catalog and name its path.
            """,
        bad: """
            # flow.yaml
            import: ["https://example.com/orders.yaml"]
            """,
        mended: """
            # flow.yaml
            import: [vendor/orders.yaml]
            # vendor/orders.yaml
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A file without a value.
    static let emptyFile = DiagnosticCode(
        203, title: "a catalog file is empty",
        explanation: """
            The file holds nothing, or comments only. That is a catalog without tasks: valid, but seldom what was \
            meant. Look whether the right file was named or saved.
            """,
        bad: """
            # flow.yaml
            # captures follow
            """,
        mended: """
            # flow.yaml
            captures: {}
            """)

    /// A reference to a place that is not there.
    static let danglingReference = DiagnosticCode(
        204, title: "a reference leads to nothing",
        explanation: """
            A config or schema given as `file#/pointer` is the value at that JSON pointer of the file. The file was \
            read, but it has no value there. A `/` within a name is written `~1`, a `~` is written `~0`.
            """,
        bad: """
            # flow.yaml
            collections:
              shop/orders: { key: [/id], schema: shop.schema.yaml#/defs/order }
            # shop.schema.yaml
            $defs:
              order: { type: object, properties: { id: { type: integer } }, required: [id] }
            """,
        mended: """
            # flow.yaml
            collections:
              shop/orders: { key: [/id], schema: shop.schema.yaml#/$defs/order }
            # shop.schema.yaml
            $defs:
              order: { type: object, properties: { id: { type: integer } }, required: [id] }
            """)
}
