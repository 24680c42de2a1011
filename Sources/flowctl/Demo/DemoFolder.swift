import Connectors
import Glibc
import Postgres

/// The folder that the demo leaves behind: a catalog of the shop's pipeline and a note on how to go on. What a user has
/// written there is never written over: `.demo` inside keeps each file as the demo wrote it, to tell.
struct DemoFolder {
    let path: String

    var catalog: String { "\(path)/catalog.yaml" }
    /// What the runner said, for a look after a failure.
    var log: String { "\(path)/apply.log" }

    private static let files = ["catalog.yaml", "README.md"]
    private var originals: String { "\(path)/.demo" }

    /// Makes a folder and proves that it can be written to. Where it holds files of somebody else, or that were changed, the
    /// folder beside it with the next free number is taken: `flow-demo-2`. Throws `RunError`.
    static func claim(_ wanted: String) throws -> DemoFolder {
        var base = Substring(wanted)
        while base.count > 1, base.last == "/" { base.removeLast() }
        let isOwnPlace = base.last == "." || base == "/"
        for number in 1..<(isOwnPlace ? 2 : 1000) {
            let folder = DemoFolder(path: number == 1 ? String(base) : "\(base)-\(number)")
            try folder.make(folder.path)
            guard folder.isOurs else { continue }
            try folder.make(folder.originals)
            guard access(folder.path, W_OK | X_OK) == 0 else { throw folder.failure("write to", folder.path) }
            return folder
        }
        throw RunError(
            .needsOperator, operation: "use", object: String(base),
            message: "it holds files that the demo did not write",
            hint: "name another folder with --folder")
    }

    /// Whether every file that would be written is absent, or as the demo left it.
    private var isOurs: Bool {
        DemoFolder.files.allSatisfy { name in
            guard access("\(path)/\(name)", F_OK) == 0 else { return true }
            guard let now = Self.content("\(path)/\(name)") else { return false }
            return now == Self.content("\(originals)/\(name)")
        }
    }

    func write(source: ConnectionParameters, destination: ConnectionParameters) throws {
        let texts = [DemoFolder.catalogText(source: source, destination: destination), DemoFolder.readme]
        for (name, text) in zip(DemoFolder.files, texts) {
            try write(text, to: "\(path)/\(name)")
            try write(text, to: "\(originals)/\(name)")
        }
    }

    private func make(_ folder: String) throws {
        if mkdir(folder, 0o755) != 0, errno != EEXIST { throw failure("make", folder) }
    }

    /// Nil where it can't be read. What is beyond the first MiB is none of the demo's.
    private static func content(_ file: String) -> [UInt8]? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count < 1 << 20 {
            let count = part.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: part[..<count])
        }
        return bytes
    }

    static func catalogText(source: ConnectionParameters, destination: ConnectionParameters) -> String {
        var text = """
            # Mirrors the demo's shop. The two servers that it names are gone once the demo has ended: put your own here.
            # README.md beside it says how; `flowctl validate catalog.yaml` checks it without any server.
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
        two servers it names are thrown away when the demo ends (`flowctl demo --keep` leaves them running until you press
        Ctrl-C, to look around with psql). What you change here is yours: the next demo takes a folder beside this one. To go
        on, point the catalog at servers of your own:

        1. Set `address`, `database`, `user` and `password` of the capture and of the materialization, and the
           materialization's `schema`. A password may be `{ env: NAME }` or `{ file: PATH }`, so that none stands in the file.
        2. Remove the shop's bindings and collections and name your tables: one binding of the capture, one collection with
           the table's key, and one binding of the materialization for each. Or begin with a file of its own, written for you:
           `flowctl discover --source postgres://USER@HOST/DATABASE --materialize postgres://USER@HOST/DATABASE mine.yaml`.
        3. The source needs `wal_level = logical`. `flowctl setup catalog.yaml` prints the SQL that makes users, grants and the
           publication at both ends; run it as an administrator.
        4. `flowctl check catalog.yaml` logs in as those users and says what is missing still.
        5. `flowctl apply catalog.yaml`. Ctrl-C ends it; the next `apply` goes on where it was.

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
