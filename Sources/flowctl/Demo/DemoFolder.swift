import Connectors
import Glibc
import Postgres

/// The folder that the demo leaves behind: a catalog of the shop's pipeline and a note on how to go on.
struct DemoFolder {
    let path: String

    var catalog: String { "\(path)/catalog.yaml" }
    /// What the runner said, for a look after a failure.
    var log: String { "\(path)/apply.log" }

    func write(source: ConnectionParameters, destination: ConnectionParameters) throws {
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw failure("make", path) }
        try write(DemoFolder.catalogText(source: source, destination: destination), to: catalog)
        try write(DemoFolder.readme, to: "\(path)/README.md")
    }

    static func catalogText(source: ConnectionParameters, destination: ConnectionParameters) -> String {
        var text = """
            # Mirrors the demo's shop. `flowctl validate catalog.yaml` checks it; `flowctl apply catalog.yaml` runs it.
            captures:
              demo/shop:
                endpoint:
                  connector:
                    image: ghcr.io/estuary/source-postgres:dev
                    config: \(config(source, ""))
                bindings:

            """
        for (name, _) in Shop.tables {
            text += "      - { resource: { namespace: \(Shop.schema), stream: \(name) }, target: demo/\(name) }\n"
        }
        text += "\ncollections:\n"
        for (name, key) in Shop.tables {
            text += "  demo/\(name): { key: [\(key.map { "/\($0)" }.joined(separator: ", "))] }\n"
        }
        text += """

            materializations:
              demo/warehouse:
                endpoint:
                  connector:
                    image: ghcr.io/estuary/materialize-postgres:dev
                    config: \(config(destination, ", schema: \(Shop.schema)"))
                bindings:

            """
        for (name, _) in Shop.tables { text += "      - { source: demo/\(name), resource: { table: \(name) } }\n" }
        return text
    }

    private static func config(_ parameters: ConnectionParameters, _ more: String) -> String {
        let address = "\(parameters.host):\(parameters.port)"
        return """
            { address: "\(address)", database: \(parameters.database), user: \(parameters.user), password: demo\(more) }
            """
    }

    private static let readme = """
        # What the demo left here

        `catalog.yaml` is the whole pipeline: seven tables of a shop, captured from one Postgres and mirrored in another. The
        two servers it names were thrown away when the demo ended (`flowctl demo --keep` leaves them running until you press
        Ctrl-C), so to go on, point it at your own:

        1. Set `address`, `database`, `user` and `password` of the capture and of the materialization. A password may be
           `{ env: NAME }` or `{ file: PATH }` so that none stands in the file.
        2. Name your tables: one binding of the capture, one collection with the table's key, and one binding of the
           materialization for each.
        3. The source needs `wal_level = logical`, a user with the REPLICATION attribute, and SELECT on the tables. The
           destination's user needs CREATE on its database.
        4. `flowctl validate catalog.yaml`, then `flowctl apply catalog.yaml`. Ctrl-C ends it; the next `apply` goes on where
           it was.

        """

    private func write(_ text: String, to file: String) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("write", file) }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure("write", file) }
            bytes = bytes.dropFirst(count)
        }
    }

    private func failure(_ operation: String, _ file: String) -> RunError {
        RunError(.needsOperator, operation: operation, object: file, message: String(cString: strerror(errno)))
    }
}
