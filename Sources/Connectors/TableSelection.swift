/// Which tables of a source are wanted. Everything that is given must hold; nothing given wants all.
public struct TableSelection: Sendable {
    /// Only tables of these schemas; case is significant.
    public var schemas: [String]
    public var excludedSchemas: [String]
    /// Only tables that one of these matches.
    public var patterns: [TablePattern]
    /// Only these: a schema, or a schema and a table of it.
    public var list: [ListedTable]
    /// Only tables that the source's publication names.
    public var onlyPublished: Bool

    /// A row of a list of schemas and tables.
    public struct ListedTable: Hashable, Sendable {
        public var schema: String
        /// Nil: the whole schema.
        public var table: String?

        public init(schema: String, table: String?) {
            self.schema = schema
            self.table = table
        }

        /// Whether a table is the one, or of the schema.
        func names(schema: String, table: String) -> Bool {
            self.schema.isSameName(as: schema) && (self.table?.isSameName(as: table) ?? true)
        }
    }

    public init(
        schemas: [String] = [], excludedSchemas: [String] = [], patterns: [TablePattern] = [],
        list: [ListedTable] = [], onlyPublished: Bool = false
    ) {
        self.schemas = schemas
        self.excludedSchemas = excludedSchemas
        self.patterns = patterns
        self.list = list
        self.onlyPublished = onlyPublished
    }

    /// Whether a table is wanted, as far as its name says.
    public func wants(schema: String, table: String) -> Bool {
        guard schemas.isEmpty || schemas.containsName(schema), !excludedSchemas.containsName(schema) else {
            return false
        }
        guard patterns.isEmpty || patterns.contains(where: { $0.matches(schema: schema, table: table) }) else {
            return false
        }
        return list.isEmpty || list.contains { $0.names(schema: schema, table: table) }
    }

    /// Whether the schema is asked for by its name.
    public func names(schema: String) -> Bool {
        schemas.containsName(schema) || list.contains { $0.schema.isSameName(as: schema) }
    }

    /// What was asked for and matches none of the names that are there, as the user wrote it.
    public func unmatched(among names: [(schema: String, table: String)]) -> [String] {
        var left: [String] = []
        left += schemas.filter { schema in !names.contains { $0.schema.isSameName(as: schema) } }.map { "schema \($0)" }
        left += patterns.filter { pattern in
            !names.contains { pattern.matches(schema: $0.schema, table: $0.table) }
        }.map { "pattern \($0.text)" }
        left += list.filter { row in
            !names.contains { row.names(schema: $0.schema, table: $0.table) }
        }.map { "list row " + $0.schema + ($0.table.map { "." + $0 } ?? "") }
        return left
    }
}

/// A glob over table names: `*` is any text, `?` one character, a backslash takes the next character as it is. With a dot
/// it is matched against `schema.table`, else against the table alone; always the whole name.
public struct TablePattern: Hashable, Sendable {
    public let text: String
    private let tokens: [Token]
    private let isQualified: Bool

    private enum Token: Hashable {
        case anything, one
        case character(Character)
    }

    /// Nil for an empty pattern, and for one that ends in a lone backslash.
    public init?(_ text: String) {
        var tokens: [Token] = []
        var isEscaped = false
        for character in text {
            if isEscaped {
                tokens.append(.character(character))
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                tokens.append(character == "*" ? .anything : character == "?" ? .one : .character(character))
            }
        }
        guard !tokens.isEmpty, !isEscaped else { return nil }
        self.text = text
        self.tokens = tokens
        isQualified = tokens.contains(.character("."))
    }

    public func matches(schema: String, table: String) -> Bool {
        matches(Array(isQualified ? "\(schema).\(table)" : table))
    }

    /// Goes back to the last `*` only, so that the time is at most pattern times name.
    private func matches(_ name: [Character]) -> Bool {
        var token = 0
        var place = 0
        var star: (token: Int, place: Int)?
        while place < name.count {
            if token < tokens.count {
                switch tokens[token] {
                case .anything:
                    star = (token, place)
                    token += 1
                    continue
                case .one:
                    token += 1
                    place += 1
                    continue
                case .character(let character) where character.utf8.elementsEqual(name[place].utf8):
                    token += 1
                    place += 1
                    continue
                case .character: break
                }
            }
            guard let last = star else { return false }
            star = (last.token, last.place + 1)
            token = last.token + 1
            place = last.place + 1
        }
        return tokens[token...].allSatisfy { $0 == .anything }
    }
}
