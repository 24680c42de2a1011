import Connectors
import Postgres

/// Tables that wait since a row of theirs was refused.
extension PostgresMaterialization {
    public func park(_ binding: LinkBinding, of link: LinkSpec, because error: RunError) throws -> Bool {
        var isParked = false
        try change(link, binding, "park") { connection in
            isParked = try ParkStatements(metadata: metadata, link: link)
                .begin(binding, because: PostgresMaterialization.told(error), connection)
        }
        return isParked
    }

    public func openPark(_ link: LinkSpec) throws -> any ParkSession {
        var scope = scope("drain")
        scope.isOfRows = false
        let opened = try DestinationConnection.forRows(config, scope)
        do {
            guard try scope.rethrowing({ try metadata.upgrade(opened.connection) }) else {
                throw scope.error(.needsOperator, "no link has begun here", hint: "start flowctl apply")
            }
        } catch {
            opened.connection.close()
            throw error
        }
        let tables = TableRegister(
            link, metadata, user: config.connection.role, isReplica: opened.isReplica)
        return PostgresParkSession(
            config, RowSession(opened, tables: tables, scope: scope), tables,
            LinkStatements(metadata: metadata, link: link.atDestination, fence: 0))
    }

    public func note(_ error: RunError, ofParked binding: LinkBinding, of link: LinkSpec) throws {
        let scope = ErrorScope("note", binding, task: link.materialization)
        let connection = try DestinationConnection.plain(config, scope)
        defer { connection.close() }
        try scope.rethrowing {
            try connection.execute("SET lock_timeout = '30s'")
            try ParkStatements(metadata: metadata, link: link)
                .note(PostgresMaterialization.told(error), of: binding, connection)
        }
    }

    private static func told(_ error: RunError) -> String {
        error.description + (error.hint.map { "\nhint: \($0)" } ?? "")
    }
}
