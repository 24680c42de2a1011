/// Addresses of hosts, mailboxes and network cards.
enum NetworkFormat {
    /// Four decimal numbers without leading zeros.
    static func isIPv4(_ bytes: [UInt8]) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(\.isDigit) else { return false }
                if part.count > 1 && part.first == UInt8(ascii: "0") { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
            }
    }

    /// RFC 4291, section 2.2; no zone.
    static func isIPv6(_ bytes: [UInt8]) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.count <= 9 else { return false }
        var groups = 0
        var gaps = 0
        for (place, part) in parts.enumerated() {
            if part.isEmpty {
                // An empty part at either end belongs to the `::` beside it.
                let isEdge = place == 0 || place == parts.count - 1
                if isEdge {
                    let neighbour = place == 0 ? 1 : place - 1
                    guard parts[neighbour].isEmpty else { return false }
                } else {
                    gaps += 1
                }
            } else if place == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard isIPv4(Array(part)) else { return false }
                groups += 2
            } else {
                guard part.count <= 4, part.allSatisfy(\.isHexDigit) else { return false }
                groups += 1
            }
        }
        if gaps == 0 { return groups == 8 }
        return gaps == 1 && groups <= 7
    }

    /// Labels of letters, digits and hyphens (RFC 1123), perhaps of any language's letters.
    static func isHostName(_ text: String, allowsUnicode: Bool) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            let isAllowed = label.allSatisfy {
                $0.isDigit || $0.isLetter || $0 == UInt8(ascii: "-") || (allowsUnicode && $0 >= 0x80)
            }
            return (1...63).contains(label.count) && isAllowed && label.first != UInt8(ascii: "-")
                && label.last != UInt8(ascii: "-")
        }
    }

    /// A local part as RFC 5321 has it, quoted or not, and a host name or address literal.
    static func isEmail(_ text: String, allowsUnicode: Bool) -> Bool {
        guard let at = text.utf8.lastIndex(of: UInt8(ascii: "@")) else { return false }
        let local = Array(text.utf8[..<at])
        let host = String(Substring(text.utf8[text.utf8.index(after: at)...]))
        guard !local.isEmpty, local.count <= 64 else { return false }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let literal = host.dropFirst().dropLast()
            let isIPv6 = literal.hasPrefix("IPv6:") && isIPv6(Array(literal.dropFirst(5).utf8))
            guard isIPv6 || isIPv4(Array(literal.utf8)) else { return false }
        } else if !isHostName(host, allowsUnicode: allowsUnicode) {
            return false
        }
        if local.count >= 2, local.first == UInt8(ascii: "\""), local.last == UInt8(ascii: "\"") { return true }
        let signs = Array("!#$%&'*+/=?^_`{|}~-".utf8)
        return local.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy { $0.isDigit || $0.isLetter || signs.contains($0) || (allowsUnicode && $0 >= 0x80) }
        }
    }

    /// Pairs of hexadecimal digits with one kind of `:` or `-` between them, or groups of four with `.` (as Postgres
    /// reads them), or no separator at all.
    static func isMAC(_ text: String, bytes count: Int) -> Bool {
        let bytes = Array(text.utf8)
        let digits = bytes.filter(\.isHexDigit)
        guard digits.count == 2 * count else { return false }
        guard let separator = bytes.first(where: { !$0.isHexDigit }) else { return true }
        let parts = bytes.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.allSatisfy(\.isHexDigit) }) else { return false }
        switch separator {
        case UInt8(ascii: ":"), UInt8(ascii: "-"):
            let size = parts[0].count
            return [2, 4, 6].contains(size) && parts.allSatisfy { $0.count == size || parts.count == 2 }
        case UInt8(ascii: "."): return parts.allSatisfy { $0.count == 4 }
        default: return false
        }
    }
}
