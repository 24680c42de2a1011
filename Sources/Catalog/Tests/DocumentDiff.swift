import JSON

/// How a document differs from one that lists only the properties that matter.
enum DocumentDiff {
    /// Whether an object has all that another lists, equal: objects within too. Arrays have the same number of items.
    static func covers(_ found: JSONValue, _ expected: JSONValue) -> Bool {
        switch (found, expected) {
        case (.object(let found), .object(let expected)):
            return expected.allSatisfy { member in found[member.key].map { covers($0, member.value) } ?? false }
        case (.array(let found), .array(let expected)):
            return found.count == expected.count && zip(found, expected).allSatisfy { covers($0, $1) }
        default: return found == expected
        }
    }

    /// The two documents as one text: a line begins with `-` where it is expected, with `+` where it is found instead,
    /// and with a space where both have it. Either may be absent. What is not compared is left out.
    static func lines(found: JSONValue?, expected: JSONValue?) -> [String] {
        var lines: [String] = []
        add(found, expected, prefix: "", indent: 0, isLast: true, &lines)
        return lines
    }

    private static func add(
        _ found: JSONValue?, _ expected: JSONValue?, prefix: String, indent: Int, isLast: Bool,
        _ lines: inout [String]
    ) {
        switch (found, expected) {
        case (.none, .none): break
        case (let value?, .none): whole(value, "+", prefix, indent, isLast, &lines)
        case (.none, let value?): whole(value, "-", prefix, indent, isLast, &lines)
        case (.object(let found)?, .object(let expected)?):
            lines.append(line(" ", indent, prefix + "{"))
            for (place, member) in expected.members.enumerated() {
                add(
                    found[member.key], member.value, prefix: JSONWriter.quoted(member.key) + ": ", indent: indent + 1,
                    isLast: place == expected.count - 1, &lines)
            }
            lines.append(line(" ", indent, "}" + (isLast ? "" : ",")))
        case (.array(let found)?, .array(let expected)?):
            lines.append(line(" ", indent, prefix + "["))
            let count = max(found.count, expected.count)
            for place in 0..<count {
                add(
                    place < found.count ? found[place] : JSONValue?.none,
                    place < expected.count ? expected[place] : JSONValue?.none, prefix: "", indent: indent + 1,
                    isLast: place == count - 1, &lines)
            }
            lines.append(line(" ", indent, "]" + (isLast ? "" : ",")))
        case (let found?, let expected?):
            if found == expected {
                whole(found, " ", prefix, indent, isLast, &lines)
            } else {
                whole(expected, "-", prefix, indent, isLast, &lines)
                whole(found, "+", prefix, indent, isLast, &lines)
            }
        }
    }

    private static func whole(
        _ value: JSONValue, _ mark: String, _ prefix: String, _ indent: Int, _ isLast: Bool, _ lines: inout [String]
    ) {
        let text = JSONWriter.write(value, .pretty).split(separator: "\n", omittingEmptySubsequences: false)
        for (place, part) in text.enumerated() {
            let end = place == text.count - 1 && !isLast ? "," : ""
            lines.append(line(mark, indent, (place == 0 ? prefix : "") + part + end))
        }
    }

    private static func line(_ mark: String, _ indent: Int, _ text: String) -> String {
        mark + " " + String(repeating: "  ", count: indent) + text
    }
}
