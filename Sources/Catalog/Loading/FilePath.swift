/// Paths as text: pure, Unix only, nothing is looked up on a disk.
public enum FilePath {
    /// The folder that a file stands in: `.` for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        let folder = String(path[..<slash])
        return folder.isEmpty ? "/" : folder
    }

    /// A path that another file names, made relative to what that file is relative to.
    static func join(_ folder: String, _ path: String) -> String {
        normalize(path.hasPrefix("/") || folder == "." ? path : folder + "/" + path)
    }

    /// The path without `.` and without `name/..`; empty becomes `.`.
    public static func normalize(_ path: String) -> String {
        let isAbsolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part != ".." || !isAbsolute {
                parts.append(part)
            }
        }
        let text = parts.joined(separator: "/")
        if isAbsolute { return "/" + text }
        return text.isEmpty ? "." : text
    }

    /// A reference to a file, taken apart at its first `#`.
    static func split(_ reference: String) -> (path: String, fragment: String?) {
        guard let hash = reference.utf8.firstIndex(of: UInt8(ascii: "#")) else { return (reference, nil) }
        return (String(reference[..<hash]), String(reference[reference.utf8.index(after: hash)...]))
    }

    /// The path of a `file:` URL of this machine, decoded; a path as it is.
    static func local(_ reference: String) -> String {
        guard scheme(of: reference) == "file" else { return reference }
        let rest = reference.dropFirst("file://".count)
        guard let slash = rest.firstIndex(of: "/"), ["", "localhost"].contains(rest[..<slash]) else { return reference }
        return decoded(String(rest[slash...])) ?? String(rest[slash...])
    }

    /// The text with `%20` and its like undone; nil where there is none, or where it makes no text.
    static func decoded(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A path within a URI.
    static func encoded(_ path: String) -> String {
        var result = ""
        for scalar in path.unicodeScalars {
            switch scalar {
            case "%": result += "%25"
            case "#": result += "%23"
            case "?": result += "%3F"
            case " ": result += "%20"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The scheme of a reference that is a URL of another machine or kind: `https` of `https://…`; nil for a path.
    static func scheme(of reference: String) -> String? {
        guard let colon = reference.firstIndex(of: ":"), reference[colon...].hasPrefix("://") else { return nil }
        let scheme = reference[..<colon]
        return scheme.isEmpty || scheme.contains("/") ? nil : scheme.lowercased()
    }
}
