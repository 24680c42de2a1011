import Connectors

/// What tells the rows of a table apart, in the log too: decided by its indexes and its replica identity.
enum KeyChoice {
    /// Columns in order; `isFallback` where they are no primary key.
    case columns([FoundTable.Column], isFallback: Bool)
    /// Whole old rows are logged, and nothing tells equal ones apart.
    case keyless
    case impossible(DiscoveredTable.Obstacle)

    init(_ table: FoundTable) {
        let keys = KeyChoice.candidates(table)
        let primary = table.indexes.first { $0.isPrimary }
        switch table.replicaIdentity {
        case "f":
            guard let key = keys.first(where: { KeyChoice.isLogged($0, table) }) else {
                self = .keyless
                return
            }
            self = KeyChoice.key(key, table)
        case "i":
            guard let identity = table.indexes.first(where: \.isReplicaIdentity) else {
                self = .impossible(KeyChoice.nothing(table, keys))
                return
            }
            let covered = primary.flatMap { Set($0.columns).isSubset(of: identity.columns) ? $0 : nil }
            self = KeyChoice.logged(covered ?? identity, table)
        case "n":
            self = .impossible(KeyChoice.nothing(table, keys))
        default:
            if let primary {
                self = KeyChoice.logged(primary, table)
            } else {
                self = .impossible(KeyChoice.missing(table, keys))
            }
        }
    }

    /// The primary key first, then the others by name.
    private static func candidates(_ table: FoundTable) -> [FoundTable.Index] {
        let keys = table.indexes.filter { index in
            index.isPrimary
                || (index.isKey && !index.columns.isEmpty
                    && index.columns.allSatisfy { table.column($0)?.isNotNull == true })
        }
        return keys.filter(\.isPrimary) + keys.filter { !$0.isPrimary }.sorted { $0.name < $1.name }
    }

    private static func isLogged(_ index: FoundTable.Index, _ table: FoundTable) -> Bool {
        index.columns.allSatisfy { table.column($0)?.isGenerated == false }
    }

    private static func key(_ index: FoundTable.Index, _ table: FoundTable) -> KeyChoice {
        .columns(index.columns.compactMap(table.column), isFallback: !index.isPrimary)
    }

    private static func logged(_ index: FoundTable.Index, _ table: FoundTable) -> KeyChoice {
        guard isLogged(index, table) else {
            let names = index.columns.compactMap(table.column).filter(\.isGenerated).map(\.name)
            return .impossible(
                .init(
                    "its key has the generated column \(names.joined(separator: ", ")), which the log leaves out",
                    remedy: "ALTER TABLE \(table.name) REPLICA IDENTITY FULL;"))
        }
        return key(index, table)
    }

    private static func nothing(_ table: FoundTable, _ keys: [FoundTable.Index]) -> DiscoveredTable.Obstacle {
        let hasPrimary = table.indexes.contains(where: \.isPrimary)
        return .init(
            "its replica identity is nothing: the log doesn't say which rows are updated and deleted",
            remedy: "ALTER TABLE \(table.name) REPLICA IDENTITY \(hasPrimary ? "DEFAULT" : identity(keys));")
    }

    private static func missing(_ table: FoundTable, _ keys: [FoundTable.Index]) -> DiscoveredTable.Obstacle {
        .init(
            "it has no primary key and no other replica identity: once published, its updates and deletes would fail",
            remedy: "ALTER TABLE \(table.name) REPLICA IDENTITY \(identity(keys));")
    }

    private static func identity(_ keys: [FoundTable.Index]) -> String {
        keys.first.map { "USING INDEX \"\($0.name)\"" } ?? "FULL"
    }
}
