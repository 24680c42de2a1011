/// The characters that URIs and IRIs may have (RFC 3986, RFC 3987).
enum URIFormat {
    private static let marks = Array("-._~:/?#[]@!$&'()*+,;=".utf8)

    /// Whether the text is a URI, or a relative reference where no scheme is needed.
    static func isURI(_ text: String, needsScheme: Bool, allowsUnicode: Bool) -> Bool {
        let bytes = Array(text.utf8)
        var hashes = 0
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "%") {
                guard at + 2 < bytes.count, bytes[at + 1].isHexDigit, bytes[at + 2].isHexDigit else { return false }
                at += 2
            } else if byte == UInt8(ascii: "#") {
                hashes += 1
            } else if byte >= 0x80 {
                guard allowsUnicode else { return false }
            } else if !byte.isDigit && !byte.isLetter && !marks.contains(byte) {
                return false
            }
            at += 1
        }
        let uri = URIReference(text)
        guard hashes <= 1, !needsScheme || uri.scheme != nil else { return false }
        if uri.scheme == nil, uri.authority == nil, let first = uri.path.split(separator: "/").first,
            first.contains(":"), !uri.path.hasPrefix("/")
        {
            return false
        }
        let brackets = Array("[]".utf8)
        if (uri.path + (uri.query ?? "") + (uri.fragment ?? "")).utf8.contains(where: brackets.contains) {
            return false
        }
        return uri.authority.map(isAuthority) ?? true
    }

    private static func isAuthority(_ text: String) -> Bool {
        var host = Array(text.utf8)[...]
        if let at = host.lastIndex(of: UInt8(ascii: "@")) {
            if host[..<at].contains(where: { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "@") }) { return false }
            host = host[(at + 1)...]
        }
        if host.first == UInt8(ascii: "[") {
            guard let end = host.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let inner = Array(host[(host.startIndex + 1)..<end])
            guard NetworkFormat.isIPv6(inner) || inner.first.map({ $0 | 0x20 }) == UInt8(ascii: "v") else {
                return false
            }
            host = host[(end + 1)...]
            return host.isEmpty || (host.first == UInt8(ascii: ":") && host.dropFirst().allSatisfy(\.isDigit))
        }
        guard let colon = host.firstIndex(of: UInt8(ascii: ":")) else { return true }
        return host[(colon + 1)...].allSatisfy(\.isDigit)
    }
}
