import Connectors
import JSON

/// A row of the signal table, or a line of the signal file, on its way to the links: the text of a `signal` event's note.
struct SignalNote {
    /// Where it was: `0/16B3748/0` is the first signal of the transaction whose commit record is there; `file/ID` a line of
    /// the file.
    var place: String
    var id: String
    var type: String
    var data: String?
    /// It was longer than what is passed on, and the rest is not here.
    var isTooLong = false

    /// Bytes of a signal's data, id and type that are passed on at most: what is longer fails.
    static let mostBytes = 64 << 10

    init(place: String, id: String, type: String, data: String?) {
        self.place = place
        self.id = id
        self.type = type
        self.data = data
    }

    /// Nil for a text that `text` did not write.
    init?(_ text: String) {
        guard let value = try? JSONValue(parsing: text), let place = value["place"]?.stringValue,
            let id = value["id"]?.stringValue, let type = value["type"]?.stringValue
        else { return nil }
        self.init(place: place, id: id, type: type, data: value["data"]?.stringValue)
        isTooLong = value["long"]?.boolValue ?? false
    }

    var text: String {
        JSONWriter.write([
            "place": .string(place), "id": .string(id), "type": .string(type),
            "data": data.map { .string($0) } ?? .null,
            "long": .bool(isTooLong),
        ])
    }
}
