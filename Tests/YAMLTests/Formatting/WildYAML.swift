import TestSupport

/// Random YAML in as many styles as people and programs write it in, with numbered comments (`#c1…`).
struct WildYAML {
    private var random: SplitMix
    private var anchors: [(name: String, isMapping: Bool)] = []
    private(set) var comments = 0
    private let lineBreak: String
    private var lines: [String] = []

    private init(seed: UInt64) {
        random = SplitMix(state: seed)
        lineBreak = seed % 5 == 0 ? "\r\n" : "\n"
    }

    /// A text, and how many comments it holds.
    static func text(seed: UInt64) -> (text: String, comments: Int) {
        var wild = WildYAML(seed: seed)
        if wild.chance(8) { wild.lines.append("%YAML 1.2"); wild.lines.append("---" + wild.trailing()) }
        if wild.lines.isEmpty, wild.chance(8) { wild.lines.append("---" + wild.trailing()) }
        wild.ownComments(0)
        if wild.chance(12) { wild.lines.append("# yaml-language-server: $schema=a") }
        wild.mapping(indent: 0, depth: 0, first: "")
        wild.ownComments(wild.random.below(5))
        let mark = seed % 11 == 0 ? "\u{FEFF}" : ""
        let end = wild.chance(4) ? wild.pick(["", " ", "    "]) : wild.lineBreak
        return (mark + wild.lines.joined(separator: wild.lineBreak) + end, wild.comments)
    }

    private mutating func chance(_ one: Int) -> Bool { random.below(one) == 0 }
    private mutating func pick(_ texts: [String]) -> String { texts[random.below(texts.count)] }
    private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

    private mutating func comment() -> String {
        comments += 1
        return "#c\(comments)." + pick(["", " said", "\ttab \"quoted", " : {[- 'é"])
    }

    private mutating func trailing() -> String {
        chance(6) ? spaces(1 + random.below(9)) + comment() + pick(["", "  "]) : ""
    }

    private mutating func ownComments(_ indent: Int) {
        while chance(4) {
            if chance(3) { lines.append(pick(["", "   "])) }
            lines.append(spaces(indent + (chance(4) ? random.below(4) : 0)) + comment())
        }
        if chance(6) { lines.append("") }
    }

    private mutating func key(_ index: Int) -> String {
        let name = pick([
            "captures", "import", "collections", "x-base", "bindings", "target", "resource", "a b", "it's", "é/ü",
            "key",
        ])
        switch random.below(7) {
        case 0: return "\"\(name)\(index)\""
        case 1 where !name.contains("'"): return "'\(name)\(index)'"
        case 2: return "\(index)"
        default:
            return index < 8 && chance(2)
                ? ["$schema", "tests", "import", "bindings", "captures", "zeta", "key", "schema"][index]
                : "\(name)\(index)"
        }
    }

    private mutating func mapping(indent: Int, depth: Int, first: String) {
        let start = random.below(8)
        for count in 0..<(1 + random.below(5)) {
            let isFirst = count == 0 && !first.isEmpty
            if !isFirst { ownComments(indent) }
            let prefix = isFirst ? first : spaces(indent)
            if chance(12), let mapping = anchors.last(where: \.isMapping), count == 0 {
                lines.append(prefix + "<<: *\(mapping.name)" + trailing())
                continue
            }
            if chance(25) {
                lines.append(prefix + "? " + key((start + count * 3) % 8 + count * 8) + trailing())
                value(prefix: spaces(indent) + ":", indent: indent, depth: depth, canBeFlat: false)
            } else {
                value(
                    prefix: prefix + key((start + count * 3) % 8 + count * 8) + ":", indent: indent, depth: depth,
                    canBeFlat: true)
            }
        }
    }

    private mutating func sequence(indent: Int, depth: Int, first: String) {
        for count in 0..<(1 + random.below(4)) {
            let isFirst = count == 0 && !first.isEmpty
            if !isFirst { ownComments(indent) }
            let prefix = (isFirst ? first : spaces(indent)) + "-"
            switch random.below(4) {
            case 0 where depth < 4:
                let gap = 1 + random.below(3)
                mapping(indent: indent + 1 + gap, depth: depth + 1, first: prefix + spaces(gap))
            case 1 where depth < 4:
                let gap = 1 + random.below(3)
                sequence(indent: indent + 1 + gap, depth: depth + 1, first: prefix + spaces(gap))
            default: value(prefix: prefix, indent: indent, depth: depth, canBeFlat: false)
            }
        }
    }

    private mutating func value(prefix: String, indent: Int, depth: Int, canBeFlat: Bool) {
        var prefix = prefix
        var anchor: String?
        if chance(7) {
            anchor = "a\(random.below(6))"
            prefix += " &\(anchor ?? "")"
        }
        var isMapping = false
        let inner = indent + 1 + random.below(4)
        switch random.below(12) {
        case 0...2 where depth < 4:
            lines.append(prefix + trailing())
            isMapping = true
            mapping(indent: inner, depth: depth + 1, first: "")
        case 3 where depth < 4:
            lines.append(prefix + trailing())
            sequence(indent: canBeFlat && chance(2) ? indent : inner, depth: depth + 1, first: "")
        case 4:
            block(prefix, inner, parent: indent)
        case 5, 6:
            let before = lines.count
            lines.append(prefix + " ")
            flow(inner, depth: depth)
            lines[lines.count - 1] += trailing()
            isMapping = lines[before].dropFirst(prefix.count).hasPrefix(" {")
        case 7:
            lines.append(
                prefix + pick([" ", trailing() + lineBreak + spaces(inner)])
                    + pick(["plain words", "\"quoted", "'single"]))
            let close =
                lines[lines.count - 1].hasSuffix("\"quoted")
                ? "\"" : lines[lines.count - 1].hasSuffix("'single") ? "'" : ""
            if chance(3) { lines.append("") }
            lines.append(spaces(inner) + pick(["go on", "- and on", "x\ty"]) + pick(["", "  "]))
            lines.append(spaces(inner) + "to the end" + close + trailing())
        case 8 where anchor == nil && !anchors.isEmpty:
            lines.append(prefix + " *\(anchors[random.below(anchors.count)].name)" + trailing())
        default:
            lines.append(prefix + " " + scalar(inFlow: false) + trailing())
        }
        if let anchor {
            anchors.removeAll { $0.name == anchor }
            anchors.append((anchor, isMapping))
        }
    }

    private mutating func block(_ prefix: String, _ indent: Int, parent: Int) {
        let isExplicit = chance(3)
        let digit = isExplicit ? String(indent - parent) : ""
        let header =
            chance(2) ? pick(["|", ">"]) + digit + pick(["", "-", "+"]) : pick(["|", ">", "|-", ">+"]) + digit
        lines.append(prefix + " " + header + trailing())
        for count in 0..<(isExplicit ? random.below(4) : 1 + random.below(4)) {
            if chance(4) { lines.append(pick(["", spaces(indent - 1)])) }
            if isExplicit, chance(4) { lines.append(spaces(indent + random.below(4))) }
            lines.append(
                spaces(indent + ((isExplicit || count > 0) && chance(3) ? 2 : 0))
                    + pick(["text # no comment", "- more: \"x", "é\tü", "end  "]))
        }
        if isExplicit || chance(4) { lines.append(spaces(random.below(isExplicit ? indent + 4 : indent))) }
        if chance(3) { lines.append("") }
    }

    private mutating func scalar(inFlow: Bool) -> String {
        switch random.below(14) {
        case 0: return "\"a \\\"b\\\" \\n \\u00e9\""
        case 1: return "'it''s'"
        case 2: return "'plain enough'"
        case 3: return "\"localhost:5432\""
        case 4:
            return pick([
                "\"no\"", "'12'", "\"\"", "' x'", "\"1_000\"", "'2020-01-01'", "\"- a\"", "\"a: b\"", "'a #b'",
                "\"{x\"",
            ])
        case 5: return pick(["1", "1.50", "0x1F", "-3e4", "true", "null", "~", "No"])
        case 6: return "!!str 12"
        case 7: return String(repeating: "long words ", count: 12 + random.below(8)) + "end"
        case 8: return inFlow ? "x" : "a, [b] {c}"
        case 9: return "ünï - 漢字"
        case 10: return inFlow ? "y" : ""
        default: return pick(["word", "/id", "shop/orders", "two words", "a:b", "x#y"])
        }
    }

    /// A list or mapping in brackets, added to the last line.
    private mutating func flow(_ indent: Int, depth: Int) {
        let isMapping = chance(2)
        let isTall = chance(3)
        lines[lines.count - 1] += isMapping ? "{" : "["
        let count = random.below(4)
        for index in 0..<count {
            if isTall {
                if chance(5) { lines[lines.count - 1] += " " + comment() }
                lines.append(spaces(indent))
                if chance(5) { lines[lines.count - 1] += comment(); lines.append(spaces(indent)) }
            } else {
                lines[lines.count - 1] += pick(["", " "])
            }
            if isMapping { lines[lines.count - 1] += pick(["k\(index): ", "\"q\(index)\": ", "'k \(index)':  "]) }
            if depth < 3, chance(4) {
                flow(indent + 1, depth: depth + 1)
            } else {
                lines[lines.count - 1] += scalar(inFlow: true)
            }
            if index + 1 < count || chance(4) { lines[lines.count - 1] += pick([",", " , ", ", "]) }
        }
        if isTall { lines.append(spaces(indent)) }
        lines[lines.count - 1] += isMapping ? "}" : "]"
    }
}
