import JSON

/// A signal as somebody sends it.
public struct OperatorSignal: Sendable, Equatable {
    public var id: String
    /// `execute-snapshot`, `stop-snapshot`, …
    public var type: String
    /// Of the type's members.
    public var data: JSONValue

    public init(id: String, type: String, data: JSONValue) {
        self.id = id
        self.type = type
        self.data = data
    }

    /// As the signal table's third column takes it.
    var dataText: String { JSONWriter.write(data) }

    /// A pattern that matches a name and nothing else.
    public static func pattern(for name: String) -> String {
        var pattern = "".unicodeScalars
        for scalar in name.unicodeScalars {
            if "\\.[](){}*+?^$|".unicodeScalars.contains(scalar) { pattern.append("\\") }
            pattern.append(scalar)
        }
        return String(pattern)
    }
}
