/// Finds what looks like a secret in one line of text: the value of a key that sounds secret, the password of a URL,
/// and long runs of base64, of which keys are made.
struct SecretScan {
    private let line: [Unicode.Scalar]

    /// Looks at the characters of one line.
    init(_ line: [Unicode.Scalar]) {
        self.line = line
    }

    /// The stretches to mask.
    var ranges: [Range<Int>] { values + userInfo + base64 }

    /// Values after `key:` or `KEY=`.
    private var values: [Range<Int>] {
        var ranges: [Range<Int>] = []
        for mark in line.indices where line[mark] == ":" || line[mark] == "=" {
            var end = mark
            while end > 0, isQuote(line[end - 1]) || line[end - 1] == " " { end -= 1 }
            var start = end
            while start > 0, end - start < 64, isNamePart(line[start - 1]) { start -= 1 }
            guard start < end else { continue }
            let name = String(String.UnicodeScalarView(line[start..<end]))
            if SecretName.isLikely(name) { ranges.append(value(after: mark + 1, isInFlow: isInFlow(start))) }
        }
        return ranges
    }

    /// The value that starts at a place: in a flow collection up to what ends it, else the line's rest.
    private func value(after place: Int, isInFlow: Bool) -> Range<Int> {
        var start = place
        while start < line.count, line[start] == " " { start += 1 }
        guard isInFlow, start < line.count else { return start..<line.count }
        var end = start
        if isQuote(line[start]) {
            end += 1
            while end < line.count, line[end] != line[start] { end += line[end] == "\\" ? 2 : 1 }
            return start..<min(end + 1, line.count)
        }
        let closing: [Unicode.Scalar] = line[start] == "{" ? ["}"] : line[start] == "[" ? ["]"] : [",", "}", "]"]
        while end < line.count, !closing.contains(line[end]) { end += 1 }
        return start..<end
    }

    private func isInFlow(_ place: Int) -> Bool {
        line[..<place].contains { $0 == "{" || $0 == "[" }
    }

    /// Whether the line holds a name with its password.
    var hasLogin: Bool { !userInfo.isEmpty }

    /// The password parts of `user:password@host`, with or without a scheme before it.
    private var userInfo: [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        for index in 0...line.count where index == line.count || line[index] == " " || isQuote(line[index]) {
            if let range = userInfo(in: start..<index) { ranges.append(range) }
            start = index + 1
        }
        return ranges
    }

    /// From the first colon that no `//` follows to the last `@`.
    private func userInfo(in word: Range<Int>) -> Range<Int>? {
        guard let at = line[word].lastIndex(of: "@") else { return nil }
        let colon = line[word.lowerBound..<at].indices.first { line[$0] == ":" && line[$0 + 1] != "/" }
        return colon.flatMap { $0 + 1 < at ? $0 + 1..<at : nil }
    }

    private var base64: [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        for index in 0...line.count where index == line.count || !isBase64(line[index]) {
            if index - start >= 56 { ranges.append(start..<index) }
            start = index + 1
        }
        return ranges
    }

    private func isQuote(_ scalar: Unicode.Scalar) -> Bool { scalar == "\"" || scalar == "'" }

    private func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        isBase64(scalar) && scalar != "+" && scalar != "/" && scalar != "=" || scalar == "_" || scalar == "-"
    }

    private func isBase64(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "+", "/", "=": true
        default: false
        }
    }
}
