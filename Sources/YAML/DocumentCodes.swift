import Diagnostics

extension DiagnosticCode {
    /// The codes of text that can't be read as YAML or JSON.
    public static let documentCodes: [DiagnosticCode] = [
        .encoding, .yamlSyntax, .jsonSyntax, .manyDocuments, .duplicateKey, .mergeKey, .keyKind, .unknownAnchor,
        .tooManyNodes, .tooDeep, .unsupportedTag, .noJSONNumber, .cyclicAlias,
    ]

    /// Bytes that are not UTF-8.
    public static let encoding = DiagnosticCode(
        101, title: "the file is not UTF-8",
        explanation: """
            A catalog is read as UTF-8, and these bytes are not. Save the file as UTF-8 with your editor, or convert \
            it with: iconv -f LATIN1 -t UTF-8 old.yaml > new.yaml
            """,
        bad: #"""
            $ printf 'x-note: caf\351\n' > flow.yaml
            """#,
        mended: #"""
            $ printf 'x-note: caf\351\n' | iconv -f LATIN1 -t UTF-8 > flow.yaml
            """#)

    /// Text that breaks YAML's grammar.
    public static let yamlSyntax = DiagnosticCode(
        102, title: "the text is not YAML",
        explanation: """
            The text breaks YAML's grammar here. Usual causes are indentation that differs between neighbours, a tab \
            used for indentation, a bracket or quote that is not closed, and a plain value that holds ': ' or starts \
            with one of @ ` % & * ! | > and needs quotes.
            """,
        bad: """
            x-note: see: the wiki
            """,
        mended: """
            x-note: "see: the wiki"
            """)

    /// Text that breaks JSON's grammar.
    public static let jsonSyntax = DiagnosticCode(
        103, title: "the text is not JSON",
        explanation: """
            A file whose name ends in .json is read as strict JSON: names and strings in double quotes, no comments, no \
            comma after the last item. Rename the file to .yaml to use YAML's freer forms.
            """,
        bad: """
            # flow.json
            {
              "collections": { "shop/orders": { "key": ["/id"] } },
            }
            """,
        mended: """
            # flow.json
            {
              "collections": { "shop/orders": { "key": ["/id"] } }
            }
            """)

    /// A second YAML document.
    public static let manyDocuments = DiagnosticCode(
        104, title: "more than one document in a file",
        explanation: """
            A catalog file holds one YAML document. Put the second one into a file of its own and name that file under \
            'import'.
            """,
        bad: """
            captures: {}
            ---
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            captures: {}
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A name that a mapping has twice.
    public static let duplicateKey = DiagnosticCode(
        105, title: "a key is written twice",
        explanation: """
            A mapping can have a key only once; of two values one would silently be lost. Remove or rename one of \
            them, or join both values under one key.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
              shop/orders: { key: [/number] }
            """,
        mended: """
            collections:
              shop/orders: { key: [/number] }
            """)

    /// A `<<` that merges no mapping.
    public static let mergeKey = DiagnosticCode(
        106, title: "a merge key without a mapping",
        explanation: """
            The key << takes the members of other mappings into this one, so its value must be a mapping, usually an \
            alias of one, or a list of mappings. Quote the key as "<<" where a plain key of that name is meant.
            """,
        bad: """
            x-base: &base { address: db }
            x-shop:
              <<: base
            """,
        mended: """
            x-base: &base { address: db }
            x-shop:
              <<: *base
            """)

    /// A key that is a collection.
    public static let keyKind = DiagnosticCode(
        107, title: "a key is not a name",
        explanation: """
            Keys are names; a list or a mapping can't be one. This often comes from braces without quotes, as template \
            languages write them.
            """,
        bad: """
            x-name: {{ value }}
            """,
        mended: """
            x-name: "{{ value }}"
            """)

    /// An alias without its anchor.
    public static let unknownAnchor = DiagnosticCode(
        108, title: "an alias names no anchor",
        explanation: """
            An alias *name stands for the value that an anchor &name marks earlier in the same file. Anchors of \
            imported files are not seen. A value that starts with * needs quotes.
            """,
        bad: """
            x-tables: *all
            """,
        mended: """
            x-all: &all [orders]
            x-tables: *all
            """)

    /// A document that grows past the limit.
    public static let tooManyNodes = DiagnosticCode(
        109, title: "the document is too large",
        explanation: """
            A file may have 64 MiB, and a document 10 million nodes after all aliases are expanded. Aliases of aliases multiply quickly; \
            write the values out or split the catalog into several files.
            """,
        bad: """
            x-a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
            x-c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
            x-d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
            x-e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
            x-f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
            x-g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
            """,
        mended: """
            x-a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
            """)

    /// Collections inside each other past the limit.
    public static let tooDeep = DiagnosticCode(
        110, title: "the document is nested too deeply",
        explanation: "Lists and mappings may be nested 256 levels deep, aliases expanded.",
        bad: """
            $ { printf 'x-deep: '; printf '[%.0s' {1..300}; printf ']%.0s' {1..300}; } > flow.yaml
            """,
        mended: """
            $ { printf 'x-deep: '; printf '[%.0s' {1..30}; printf ']%.0s' {1..30}; } > flow.yaml
            """)

    /// A tag that no value type belongs to.
    public static let unsupportedTag = DiagnosticCode(
        111, title: "a YAML tag is not supported",
        explanation: """
            Only YAML's core tags are known: !!str, !!int, !!float, !!bool, !!null, !!seq and !!map, and a value must \
            fit its tag. Tags such as !include belong to other programs.
            """,
        bad: """
            x-config: !include db.yaml
            """,
        mended: """
            x-config: db.yaml
            """)

    /// A number that JSON can't write.
    public static let noJSONNumber = DiagnosticCode(
        112, title: "the number has no JSON form",
        explanation: """
            Infinity and not-a-number have no form in JSON, which is what a catalog's values are. Quote the text where \
            a string is meant.
            """,
        bad: """
            x-limit: .inf
            """,
        mended: """
            x-limit: ".inf"
            """)

    /// An alias inside the value that it stands for.
    public static let cyclicAlias = DiagnosticCode(
        113, title: "an alias stands inside its own value",
        explanation: "A value that holds itself has no end. Write the inner value out.",
        bad: """
            x-tree: &tree { left: *tree }
            """,
        mended: """
            x-tree: { left: {} }
            """)

    /// The codes of formatting. No catalog is known that has one.
    public static let formatCodes: [DiagnosticCode] = [.notFormatted]

    /// A text whose formatted form would not mean the same.
    public static let notFormatted = DiagnosticCode(
        114, title: "a file can't be formatted",
        explanation: """
            What is formatted is read again before it is written. Here it would have had another value, other comments or \
            other anchors, so the file was left as it is. That is a defect of flowctl: please report it with a file as \
            small as possible. Usual causes are forms of YAML that nobody writes by hand.
            """)
}
