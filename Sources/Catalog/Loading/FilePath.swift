/// Paths as text: pure, Unix only, nothing is looked up on a disk.
enum FilePath {
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
    static func normalize(_ path: String) -> String {
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

    /// The scheme of a reference that is a URL: `https` of `https://…`; nil for a path.
    static func scheme(of reference: String) -> String? {
        guard let colon = reference.firstIndex(of: ":"), reference[colon...].hasPrefix("://") else { return nil }
        let scheme = reference[..<colon]
        return scheme.isEmpty || scheme.contains("/") ? nil : scheme.lowercased()
    }
}
