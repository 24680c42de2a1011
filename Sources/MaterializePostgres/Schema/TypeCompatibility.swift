/// Which columns can take which values without losing any.
///
/// Values travel as Postgres' text, so a column can take a type if every text of that type is also one of its own and
/// means the same. Follows Postgres' assignment casts (manual: "CREATE CAST", "pg_cast").
enum TypeCompatibility {
    /// Whether a column of type `column` keeps every value of type `source`. Both as `format_type` writes them.
    static func column(_ column: String, accepts source: String) -> Bool {
        column == source || accepts(TypeName(column), TypeName(source))
    }

    /// Whether the destination's column may be changed from `old` to `new` by a plain `ALTER … TYPE`: a wider form of
    /// the same thing, whatever the source's own `ALTER` computed.
    static func isWidening(from old: String, to new: String) -> Bool {
        let old = TypeName(old)
        let new = TypeName(new)
        guard old.isArray == new.isArray else { return false }
        if isUnboundedText(new.element) { return isText(old.element) }
        return holds(new.element, old.element)
    }

    private static func accepts(_ column: TypeName, _ source: TypeName) -> Bool {
        if column.isArray || source.isArray {
            if !column.isArray { return isUnboundedText(column) }
            return source.isArray && accepts(column.element, source.element)
        }
        if isUnboundedText(column) { return true }
        return holds(column, source) || converts(column, source)
    }

    /// Pairs that need no change of the text.
    private static func holds(_ column: TypeName, _ source: TypeName) -> Bool {
        switch source.base {
        case "smallint": ["integer", "bigint"].contains(column.base) || isNumeric(column, digits: 5)
        case "integer": column.base == "bigint" || isNumeric(column, digits: 10)
        case "bigint": isNumeric(column, digits: 19)
        case "real": column.base == "double precision"
        case "numeric": column.base == "numeric" && isWiderNumeric(column, source)
        case "character varying", "bit varying", "timestamp without time zone", "timestamp with time zone",
            "time without time zone", "time with time zone", "interval":
            column.base == source.base && isLonger(column, source)
        default: false
        }
    }

    /// Pairs of other types of which each value has one that is as good, as Postgres' own assignment casts have it: whole numbers
    /// that a float has every one of, padded texts in a column that doesn't pad, and those whose text changes and still tells
    /// every value apart. Never done to a column that is there.
    private static func converts(_ column: TypeName, _ source: TypeName) -> Bool {
        switch (source.base, column.base) {
        case ("date", "timestamp without time zone"), ("jsonb", "json"), ("cidr", "inet"), ("oid", "bigint"),
            ("smallint", "real"), ("smallint", "double precision"), ("integer", "double precision"),
            ("macaddr", "macaddr8"):
            true
        case ("time without time zone", "interval"): column.modifiers == nil
        case ("character", "character varying"), ("bit", "bit varying"):
            column.modifiers == nil || (column.numbers.first ?? 0) >= (source.numbers.first ?? 1)
        default: false
        }
    }

    private static func isText(_ type: TypeName) -> Bool {
        ["text", "character varying"].contains(type.base)
    }

    private static func isUnboundedText(_ type: TypeName) -> Bool {
        !type.isArray && isText(type) && type.modifiers == nil
    }

    /// Whether a numeric column shows whole numbers of so many digits as they are.
    private static func isNumeric(_ column: TypeName, digits: Int) -> Bool {
        guard column.base == "numeric" else { return false }
        guard column.modifiers != nil else { return true }
        let limits = column.numbers
        return limits.count == 2 && limits[1] == 0 && limits[0] >= digits
    }

    private static func isWiderNumeric(_ column: TypeName, _ source: TypeName) -> Bool {
        guard column.modifiers != nil else { return true }
        let wide = column.numbers
        let narrow = source.numbers
        return wide.count == 2 && narrow.count == 2 && wide[1] == narrow[1] && wide[0] >= narrow[0]
    }

    private static func isLonger(_ column: TypeName, _ source: TypeName) -> Bool {
        guard column.modifiers != nil else { return true }
        guard let most = column.numbers.first, let wanted = source.numbers.first else { return false }
        return most >= wanted
    }
}
