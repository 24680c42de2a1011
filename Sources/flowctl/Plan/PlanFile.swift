import Catalog
import Connectors
import Diagnostics
import Glibc
import JSON

/// What a catalog's file said as a plan was made: a number that another text gives another of, secrets left out.
struct FileFingerprint: Equatable {
    var path: String
    var value: String

    /// Of all files of a catalog, by path. Text that could be a secret counts for nothing.
    static func all(_ files: [SourceFile], hiding secrets: [SourceRange]) -> [FileFingerprint] {
        files.map { file in
            var isHidden = [Bool](repeating: false, count: file.bytes.count)
            for secret in secrets where secret.file === file {
                for offset in secret.offsets { isHidden[offset] = true }
            }
            // FNV-1a, of 64 bits.
            let hash = zip(file.bytes, isHidden).filter { !$0.1 }
                .reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1.0)) &* 0x100_0000_01b3 }
            return FileFingerprint(path: file.path, value: String(hash, radix: 16))
        }.sorted { $0.path < $1.path }
    }
}

/// A plan that was written to a file: what it was made of, and each of its steps. Holds no secret.
struct PlanFile {
    private static let mark = "flowctl_plan"
    private static let version = 1

    var catalog: String
    var tasks: [String]
    var files: [FileFingerprint]
    /// As `plan -o json` has it.
    var plan: JSONValue

    init(catalog: String, tasks: Set<String>, files: [FileFingerprint], plan: JSONValue) {
        self.catalog = catalog
        self.tasks = tasks.sorted()
        self.files = files
        self.plan = plan
    }

    private static func isPlan(_ bytes: [UInt8]) -> Bool {
        bytes.first == UInt8(ascii: "{")
            && bytes.prefix(64).split(separator: UInt8(ascii: "\"")).dropFirst().first.map {
                $0.elementsEqual(mark.utf8)
            } == true
    }

    /// Makes place for a plan: an older one goes before the new one is looked for, so that what doesn't get written isn't taken
    /// for it. Why the file can't be one that is written to, or nil.
    static func makePlace(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return nil }
        guard let bytes = try? FileSystem.read(path) else { return "\(path) is there and can't be read" }
        guard isPlan(bytes) else { return "\(path) is there and is no plan: name another file" }
        guard unlink(path) == 0 else { return "the older plan \(path) can't be removed" }
        return nil
    }

    /// The plan of a file; nil for a file that is none, such as a catalog. Throws a `RunError` for a plan that can't be read.
    static func read(_ path: String) throws -> PlanFile? {
        guard path != "-", let bytes = try? FileSystem.read(path), isPlan(bytes) else { return nil }
        guard let object = try? JSONValue(parsing: String(decoding: bytes, as: UTF8.self)),
            object[mark]?.intValue == version, let catalog = object["catalog"]?.stringValue, let plan = object["plan"]
        else {
            throw RunError(
                .needsOperator, operation: "read", object: "plan \(path)",
                message: "it is no plan of this version of flowctl", hint: "make it anew: flowctl plan --out \(path) …")
        }
        let files = (object["files"]?.arrayValue ?? []).map {
            FileFingerprint(path: $0["path"]?.stringValue ?? "", value: $0["fingerprint"]?.stringValue ?? "")
        }
        return PlanFile(
            catalog: catalog, tasks: Set((object["tasks"]?.arrayValue ?? []).compactMap(\.stringValue)), files: files,
            plan: plan)
    }

    var text: String {
        let files = files.map {
            JSONValue.object(JSONObject([("path", .string($0.path)), ("fingerprint", .string($0.value))]))
        }
        let object = JSONObject([
            (PlanFile.mark, .int(PlanFile.version)), ("catalog", .string(catalog)),
            ("tasks", .array(tasks.map { .string($0) })), ("files", .array(files)), ("plan", plan),
        ])
        return JSONWriter.write(.object(object), .spaced) + "\n"
    }

    // MARK: - What moved since

    /// What the catalog's files say differently now, a sentence each.
    func moved(_ now: [FileFingerprint]) -> [String] {
        var moved: [String] = []
        for file in files {
            guard let other = now.first(where: { $0.path == file.path }) else {
                moved.append("the catalog no longer reads \(file.path)")
                continue
            }
            if other != file { moved.append("\(file.path) has changed") }
        }
        return moved
            + now.filter { file in !files.contains { $0.path == file.path } }.map { "the catalog reads \($0.path) now" }
    }

    /// What the databases would be asked for differently now, a sentence each. Estimates may move.
    func moved(_ now: PlanReport) -> [String] {
        let then = PlanFile.steps(of: plan)
        let now = PlanFile.steps(of: now.json)
        return then.filter { !now.contains($0) }.map { "no longer to do: \($0)" }
            + now.filter { !then.contains($0) }.map { "to do besides: \($0)" }
    }

    private static func steps(of plan: JSONValue) -> [String] {
        func text(_ value: JSONValue, _ key: String) -> String { value[key]?.stringValue ?? "" }
        return (plan["databases"]?.arrayValue ?? []).flatMap { database in
            let place =
                "\(text(database, "side")) \(text(database, "database")) at \(text(database, "address")) as "
                + "\(text(database, "role"))"
            let changes = (database["changes"]?.arrayValue ?? []).map {
                "\(place): \(text($0, "sql"))" + (text($0, "when") == "start" ? "" : " (\(text($0, "when")))")
            }
            let copies = (database["backfills"]?.arrayValue ?? []).map {
                "\(place): copy \(text($0, "source")) into \(text($0, "table")) (\(text($0, "reason")))"
            }
            let remarks = (database["remarks"]?.arrayValue ?? []).compactMap {
                $0.stringValue.map { "\(place): \($0)" }
            }
            return changes + copies + remarks
        }
    }
}
