import Connectors
import JSON

/// What the source's catalog said of where a table's rows are kept. The next look tells from it what the log doesn't show.
///
/// As JSON: `{"place": "0/15", "horizon": "771", "highest": 7, "columns": ["1 734.0 25.-1.100", …],
/// "parts": ["16400 16400 16390.771 e public.b_1", …], "unique": ["16403 16400 16404 771 b_1_pkey", …], "truncates": ["790"],
/// "types": {"4": ["e16420 sad", "a16425.1 23.-1"]}}`.
struct StorageRecord: Equatable, Sendable {
    /// A table that has rows: the captured one itself, or a partition at any depth, or a partitioned table in between.
    struct Part: Equatable, Sendable {
        /// pg_class.relfilenode; 0 where it has no rows of its own.
        var file: UInt32
        /// What it is a partition of, and the transaction that said so; empty for a table that is none.
        var place: String
        /// Whether it had no row, and the log has shown none of it since.
        var isEmpty = false
        var name: String
    }

    struct Column: Equatable, Sendable {
        /// The transaction that wrote the catalog's row of it, and the command's number in that.
        var version: String
        /// Type, modifier and collation.
        var type: String

        /// The transaction of `version`.
        var transaction: Substring { version.prefix { $0 != "." } }
    }

    /// An index that keeps something unique in a part, for all of its rows at every moment.
    struct UniqueIndex: Equatable, Sendable {
        var part: UInt32
        /// Of the constraint that it belongs to, which keeps its number where the index is built anew beside; 0 for none.
        var constraint: UInt32
        /// The transaction that wrote the catalog's row of it: as it was made, and whenever it became, or ceased to be, the
        /// replica identity.
        var version: String
        var name: String
    }

    /// A position behind everything that the catalog showed.
    var place = LogPosition.zero
    /// All transactions before it had ended.
    var horizon: UInt64 = 0
    /// By attribute number, those that the log carries.
    var columns: [Int: Column] = [:]
    /// The highest number that a column ever had, those that the log doesn't carry too.
    var highest = 0
    /// By OID.
    var parts: [UInt32: Part] = [:]
    /// By OID; nil where that was not kept.
    var unique: [UInt32: UniqueIndex]?
    /// By attribute number, what the user-defined types behind columns are made of: labels of enums and attributes of composites, by
    /// the catalog's numbers, which stay when a label gets another name. Nil where that was not kept.
    var types: [Int: [String: String]]?
    /// Transactions that truncated the whole table since, as the log showed.
    var truncates: [String] = []

    /// Whether nothing that could concern rows is different.
    func isSame(as other: StorageRecord) -> Bool {
        columns == other.columns && unique == other.unique && parts.count == other.parts.count
            && (types == nil || other.types == nil || types == other.types)
            && parts.allSatisfy { oid, part in
                other.parts[oid].map { $0.file == part.file && $0.place == part.place } ?? false
            }
    }

    // MARK: - Notes that the stream carries to the links

    /// A partition has rows from here on.
    static func note(touched oid: UInt32) -> String { "t\(oid)" }
    /// The whole table was truncated.
    static func note(truncatedBy transaction: UInt32) -> String { "x\(transaction)" }

    /// Takes a note in: one of the two above, or a whole record.
    mutating func take(_ note: String) {
        if note.first == "t", let oid = UInt32(note.dropFirst()) {
            parts[oid]?.isEmpty = false
        } else if note.first == "x" {
            truncates.append(String(note.dropFirst()))
        } else if let value = try? JSONValue(parsing: note), let record = StorageRecord(value) {
            self = record
        }
    }

    // MARK: - As JSON

    /// Nil for what `json` doesn't write.
    init?(_ value: JSONValue) {
        guard let place = value["place"]?.stringValue.flatMap({ LogPosition($0) }),
            let horizon = value["horizon"]?.stringValue.flatMap({ UInt64($0) }),
            let columns = value["columns"]?.arrayValue, let parts = value["parts"]?.arrayValue
        else { return nil }
        self.init()
        self.place = place
        self.horizon = horizon
        highest = value["highest"]?.intValue ?? 0
        for column in columns {
            guard let words = column.stringValue?.split(separator: " "), words.count == 3, let number = Int(words[0])
            else { return nil }
            self.columns[number] = Column(version: String(words[1]), type: String(words[2]))
        }
        for part in parts {
            guard let words = part.stringValue?.split(separator: " ", maxSplits: 4), words.count == 5,
                let oid = UInt32(words[0]), let file = UInt32(words[1])
            else { return nil }
            self.parts[oid] = Part(
                file: file, place: words[2] == "-" ? "" : String(words[2]), isEmpty: words[3] == "e",
                name: String(words[4]))
        }
        if let unique = value["unique"]?.arrayValue {
            self.unique = [:]
            for index in unique {
                guard let words = index.stringValue?.split(separator: " ", maxSplits: 4), words.count == 5,
                    let oid = UInt32(words[0]), let part = UInt32(words[1]), let constraint = UInt32(words[2])
                else { return nil }
                self.unique?[oid] = UniqueIndex(
                    part: part, constraint: constraint, version: String(words[3]), name: String(words[4]))
            }
        }
        if let types = value["types"]?.objectValue {
            self.types = [:]
            for member in types.members {
                guard let number = Int(member.key), let entries = member.value.arrayValue else { return nil }
                for entry in entries {
                    guard
                        let words = entry.stringValue?.split(
                            separator: " ", maxSplits: 1, omittingEmptySubsequences: false),
                        words.count == 2
                    else { return nil }
                    self.types?[number, default: [:]][String(words[0])] = String(words[1])
                }
            }
        }
        truncates = value["truncates"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    init() {}

    /// As a note that replaces what a link knows.
    var text: String { JSONWriter.write(json) }

    var json: JSONValue {
        let columns = columns.sorted { $0.key < $1.key }.map { JSONValue.string("\($0) \($1.version) \($1.type)") }
        let parts = parts.sorted { $0.key < $1.key }.map { oid, part in
            JSONValue.string(
                "\(oid) \(part.file) \(part.place.isEmpty ? "-" : part.place) \(part.isEmpty ? "e" : "-") \(part.name)")
        }
        var object = JSONObject([
            ("place", .string(place.description)), ("horizon", .string(String(horizon))),
            ("highest", .int(highest)), ("columns", .array(columns)),
            ("parts", .array(parts)),
        ])
        if let unique {
            object["unique"] = .array(
                unique.sorted { $0.key < $1.key }.map { oid, index in
                    .string("\(oid) \(index.part) \(index.constraint) \(index.version) \(index.name)")
                })
        }
        if let types {
            object["types"] = .object(
                JSONObject(
                    types.sorted { $0.key < $1.key }.map { number, entries in
                        (String(number), .array(entries.sorted { $0.key < $1.key }.map { .string("\($0) \($1)") }))
                    }))
        }
        if !truncates.isEmpty { object["truncates"] = .array(truncates.map { .string($0) }) }
        return .object(object)
    }
}
