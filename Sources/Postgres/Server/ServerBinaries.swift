import Glibc

/// An installed Postgres server: the folder that holds `initdb` and `postgres`.
public struct ServerBinaries: Sendable, Hashable {
    public let folder: String

    public init(folder: String) {
        self.folder = folder
    }

    /// The variable that names the folder where it is none of the usual ones.
    public static let variable = "FLOWCTL_POSTGRES_BIN"

    /// The one that the environment names, else the newest of Debian's and Red Hat's places, else what is on the PATH.
    public static func find() throws -> ServerBinaries {
        if let named = getenv(variable) {
            let binaries = ServerBinaries(folder: String(cString: named))
            guard binaries.isComplete else {
                throw PostgresError(
                    operation: "find a server", message: "\(variable) names a folder without initdb and postgres")
            }
            return binaries
        }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let candidates = installed() + path.split(separator: ":").map(String.init)
        for folder in candidates {
            let binaries = ServerBinaries(folder: folder)
            if binaries.isComplete { return binaries }
        }
        throw PostgresError(
            operation: "find a server",
            message: "no installed Postgres server (initdb and postgres); install the package postgresql, or name the "
                + "folder in \(variable)")
    }

    /// Every installed version of the usual places, newest first.
    public static func installed() -> [String] {
        var found: [(major: Int, folder: String)] = []
        for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
            for name in entries(of: parent) where name.hasPrefix(prefix) {
                guard let major = Int(name.dropFirst(prefix.count)) else { continue }
                found.append((major, "\(parent)/\(name)/bin"))
            }
        }
        return found.sorted { $0.major > $1.major }.map(\.folder)
    }

    public func program(_ name: String) -> String { "\(folder)/\(name)" }

    /// What its programs need in their environment: where a libpq lies beside them, they were built for that one, and an older
    /// one of the system lacks what they call.
    public var environment: [String: String] {
        let libraries = "\(folder)/../lib"
        return access("\(libraries)/libpq.so.5", R_OK) == 0 ? ["LD_LIBRARY_PATH": libraries] : [:]
    }

    private var isComplete: Bool {
        ["initdb", "postgres"].allSatisfy { access(program($0), X_OK) == 0 }
    }

    private static func entries(of folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }
}
