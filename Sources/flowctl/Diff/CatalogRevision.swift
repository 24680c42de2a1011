import Catalog
import Glibc
import Postgres

/// A catalog of a git revision, laid out in a folder of its own so that imports and files are those of that revision.
/// The folder goes with the object.
final class CatalogRevision {
    /// Why a revision can't be read.
    struct Failure: Error {
        /// One sentence without a full stop.
        let message: String
    }

    /// The catalog's root file.
    private(set) var path: String
    /// What stands before paths of the folder, to be shown as the revision.
    let folder: String
    /// `REV:`.
    let prefix: String

    /// Lays out what a catalog can be made of: the revision's YAML and JSON files. `REV:FILE` is as `git show` takes it:
    /// from the top of the repository, from here where it begins with `./` or `../`. Nil for what names no revision.
    init?(_ argument: String) throws(Failure) {
        guard access(argument, F_OK) != 0, let colon = argument.firstIndex(of: ":"), colon != argument.startIndex else {
            return nil
        }
        let revision = String(argument[..<colon])
        var file = String(argument[argument.index(after: colon)...])
        guard !revision.hasPrefix("-"), !file.isEmpty else { return nil }
        let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(place)/flowctl-diff-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(message: "can't make a folder in \(place): \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self) + "/"
        prefix = revision + ":"
        path = folder
        if file.hasPrefix("./") || file.hasPrefix("../") {
            file = try Self.git(["rev-parse", "--show-prefix"], folder, revision).trimmedLine + file
            file = FilePath.normalize(file)
        }
        path = folder + file
        let commit = try Self.git(["rev-parse", "--verify", "--quiet", "\(revision)^{tree}"], folder, revision)
            .trimmedLine
        let top = try Self.git(["rev-parse", "--show-toplevel"], folder, revision).trimmedLine
        let names = try Self.git(["-C", top, "ls-tree", "-r", "-z", "--name-only", commit], folder, revision)
            .split(separator: "\0").map(String.init)
            .filter { name in [".yaml", ".yml", ".json"].contains { name.lowercased().hasSuffix($0) } || name == file }
        let index = ["GIT_INDEX_FILE": folder + ".index"]
        _ = try Self.git(["-C", top, "read-tree", commit], folder, revision, index)
        // Some hundred names a call: a command line holds only so much.
        for start in stride(from: 0, to: names.count, by: 200) {
            let some = names[start..<min(start + 200, names.count)]
            _ = try Self.git(
                ["-C", top, "checkout-index", "-q", "--prefix=\(folder)", "--"] + some, folder, revision, index)
        }
    }

    deinit { _ = try? ChildProcess("rm", ["-rf", folder]).wait() }

    /// A text with the folder's paths shown as the revision's.
    func named(_ text: String) -> String { text.replacing(folder, with: prefix) }

    /// What git prints.
    private static func git(
        _ arguments: [String], _ folder: String, _ revision: String, _ environment: [String: String] = [:]
    ) throws(Failure) -> String {
        let output = folder + ".output"
        unlink(output)
        let status: Int32
        do {
            status = try ChildProcess("git", arguments, environment: environment, output: .file(output)).wait()
        } catch {
            throw Failure(message: "git can't be started, which reads '\(revision)'")
        }
        guard status == 0, let bytes = try? FileSystem.read(output) else {
            throw Failure(message: "git knows no revision '\(revision)' here")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    /// The text without its line break.
    fileprivate var trimmedLine: String { hasSuffix("\n") ? String(dropLast()) : self }
}
