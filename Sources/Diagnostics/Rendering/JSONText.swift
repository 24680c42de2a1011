/// Writes JSON text for the renderers; this room stands on the ground and can't use the JSON room.
struct JSONText {
    private(set) var text = ""

    /// Appends text that is JSON already.
    mutating func raw(_ part: String) {
        text += part
    }

    /// Appends a string with quotes and escapes, or null.
    mutating func string(_ value: String?) {
        guard let value else {
            text += "null"
            return
        }
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// Appends a name and a string or null.
    mutating func member(_ name: String, _ value: String?) {
        raw("\"\(name)\": ")
        string(value)
    }

    /// Appends a name and a number or null.
    mutating func member(_ name: String, _ value: Int?) {
        raw("\"\(name)\": " + (value.map(String.init) ?? "null"))
    }
}
