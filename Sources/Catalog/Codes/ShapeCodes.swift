import Diagnostics

extension DiagnosticCode {
    /// The codes of values that don't have the shape that the JSON Schemas ask for, and of what has no effect.
    static let shapeCodes: [DiagnosticCode] = [
        .unknownProperty, .missingProperty, .wrongType, .notAllowed, .wrongForm, .outOfBounds, .noAlternative,
        .noEffect, .notSupported, .notFollowedYet,
    ]

    /// A property that the schema doesn't have.
    static let unknownProperty = DiagnosticCode(
        301, title: "an unknown property",
        explanation: """
            Nothing of this name is read here, so it would silently have no effect. Mostly it is a slip of the pen, or \
            it stands one level too deep or too high. Names that begin with x- are accepted everywhere.
            """,
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders }, disabled: true }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - { source: shop/orders, resource: { table: orders }, disable: true }
            """)

    /// A property that has to be there.
    static let missingProperty = DiagnosticCode(
        302, title: "a required property is missing",
        explanation: "The object is not complete without this property. `flowctl schema` prints what each one means.",
        bad: """
            collections:
              shop/orders: {}
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A value of another type.
    static let wrongType = DiagnosticCode(
        303, title: "a value of the wrong type",
        explanation: """
            The value is of another JSON type than this property takes. A YAML scalar without quotes is a number where \
            it looks like one, and null where it is left out; yes, no, on and off are strings.
            """,
        bad: """
            collections:
              shop/orders: { key: /id }
            """,
        mended: """
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A value that is none of a list.
    static let notAllowed = DiagnosticCode(
        304, title: "a value that is not one of the allowed ones",
        explanation: "This property takes one of a few values. Case matters.",
        bad: """
            collections:
              shop/orders: { key: [/id] }
            materializations:
              shop/warehouse:
                endpoint: { connector: { image: materialize-postgres, config: warehouse.yaml } }
                bindings:
                  - source: shop/orders
                    resource: { table: orders }
                    onIncompatibleSchemaChange: Backfill
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
                    onIncompatibleSchemaChange: backfill
            """)

    /// Text that doesn't match a pattern or format.
    static let wrongForm = DiagnosticCode(
        305, title: "text of the wrong form",
        explanation: """
            The text does not have the form that this property takes: a duration is a number with a unit (5m), a \
            catalog name is made of letters, digits, '-', '_' and '.' in parts joined by single slashes.
            """,
        bad: """
            # flow.yaml
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: config.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            # config.yaml
            address: "postgres://localhost/shop"
            password: { env: SHOP_PASSWORD }
            """,
        mended: """
            # flow.yaml
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: config.yaml } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            # config.yaml
            address: "localhost:5432"
            database: shop
            password: { env: SHOP_PASSWORD }
            """)

    /// A value that is too small, too large, too short or too long.
    static let outOfBounds = DiagnosticCode(
        306, title: "a value out of bounds",
        explanation: "The number, the length or the count of items is not within the bounds of this property.",
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - resource: { namespace: public, stream: orders }
                    target: shop/orders
                    backfill: -1
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                bindings:
                  - resource: { namespace: public, stream: orders }
                    target: shop/orders
                    backfill: 1
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A value that fits none, or more than one, of several shapes.
    static let noAlternative = DiagnosticCode(
        307, title: "a value fits none of the possible forms",
        explanation: """
            This value can be written in several forms, and what stands here is none of them, or mixes them. Keep to \
            one form.
            """,
        bad: """
            captures:
              shop/source:
                endpoint:
                  connector:
                    image: source-postgres
                    config:
                      address: localhost
                      password: { env: SHOP_PASSWORD, file: password.txt }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint:
                  connector:
                    image: source-postgres
                    config:
                      address: localhost
                      password: { env: SHOP_PASSWORD }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """)

    /// A setting that is accepted and ignored.
    static let noEffect = DiagnosticCode(
        308, title: "a setting has no effect here",
        explanation: """
            The catalog's language is shared with a hosted service; settings that only matter there are accepted, so \
            that one catalog serves both, and are ignored.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                interval: 5m
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

    /// A part of the language that this program doesn't run.
    static let notSupported = DiagnosticCode(
        309, title: "not supported",
        explanation: """
            The setting is part of the catalog's language but not of this program, and leaving it out silently would \
            move other data than was asked for. Remove it. Captures and materializations are built in and chosen by \
            their image's name; nothing is derived.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { local: { command: [source], config: {} } }
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

    /// A part of the language that `apply` doesn't follow yet.
    public static let notFollowedYet = DiagnosticCode(
        310, title: "accepted, and not followed by apply yet",
        explanation: """
            The setting is understood and checked, but apply doesn't do what it asks for yet, and would move other data, \
            or reach a database another way, than was asked for. So apply refuses to run: it ends with 69 before it \
            connects to anything. Remove the setting, or give it the value that stands for what is done anyway.
            """,
        bad: """
            captures:
              shop/source:
                endpoint: { connector: { image: source-postgres, config: source.yaml } }
                autoDiscover: { addNewBindings: true }
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
}
