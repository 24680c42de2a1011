/// The elements of an array's text (manual, "Array Input and Output Syntax"), of all its dimensions in a row; bounds are left out.
enum ArrayElements {
    /// Nil elements are nulls. Nil for text that is none of an array.
    static func parse(_ text: String, delimiter: UInt8 = UInt8(ascii: ",")) -> [String?]? {
        let bytes = Array(text.utf8)
        // `[2:3]={…}`: only bounds have an equals sign before the first brace.
        guard var at = bytes.firstIndex(of: UInt8(ascii: "{")), at == 0 || bytes[at - 1] == UInt8(ascii: "=") else {
            return nil
        }
        var elements: [String?] = []
        var depth = 0
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { return at == bytes.count ? elements : nil }
            case delimiter: break
            case UInt8(ascii: "\""):
                var element: [UInt8] = []
                while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
                    if bytes[at] == UInt8(ascii: "\\") { at += 1 }
                    guard at < bytes.count else { return nil }
                    element.append(bytes[at])
                    at += 1
                }
                at += 1
                elements.append(String(decoding: element, as: UTF8.self))
            default:
                let start = at - 1
                while at < bytes.count, bytes[at] != delimiter, bytes[at] != UInt8(ascii: "}") { at += 1 }
                let element = String(decoding: bytes[start..<at], as: UTF8.self)
                elements.append(element == "NULL" ? nil : element)
            }
        }
        return nil
    }
}
