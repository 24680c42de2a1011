/// Parses ECMA-262's regular expression syntax in unicode mode.
///
/// It is more lenient than the standard in two points: any character that is no letter or digit may be escaped, and
/// `]` and `}` need not be.
struct PatternParser {
    private let scalars: [Unicode.Scalar]
    private var at = 0
    /// The names of all groups that take text, nil for those without one, in the order of their brackets: a reference
    /// may stand before its group.
    private let groupNames: [String?]
    private var groupCount = 0

    /// The most characters of an expression.
    private static let lengthLimit = 20_000
    /// The most groups inside each other.
    private static let depthLimit = 100
    /// The largest count of a repetition.
    private static let countLimit = 10_000

    /// Takes the expression.
    init(_ source: String) {
        scalars = Array(source.unicodeScalars)
        groupNames = Self.groupNames(scalars)
    }

    private static func groupNames(_ scalars: [Unicode.Scalar]) -> [String?] {
        var names: [String?] = []
        var inClass = false
        var at = 0
        while at < scalars.count {
            switch scalars[at] {
            case "\\": at += 1
            case "[": inClass = true
            case "]": inClass = false
            case "(" where !inClass:
                let rest = scalars[(at + 1)...].prefix(3)
                if rest.first != "?" {
                    names.append(nil)
                } else if rest.dropFirst().first == "<", rest.count == 3, rest.last != "=", rest.last != "!" {
                    names.append(String(String.UnicodeScalarView(scalars[(at + 3)...].prefix { $0 != ">" })))
                }
            default: break
            }
            at += 1
        }
        return names
    }

    /// The tree of the whole expression.
    mutating func parse() throws(PatternError) -> PatternTree {
        if scalars.count > Self.lengthLimit { throw fault("the pattern is too long") }
        let tree = try alternatives(depth: 0)
        if at < scalars.count { throw fault("unmatched ')'") }
        return tree
    }

    private mutating func alternatives(depth: Int) throws(PatternError) -> PatternTree {
        if depth > Self.depthLimit { throw fault("groups are nested too deeply") }
        var branches = [try sequence(depth: depth)]
        while take("|") { branches.append(try sequence(depth: depth)) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence(depth: Int) throws(PatternError) -> PatternTree {
        var parts: [PatternTree] = []
        while let next = peek, next != "|", next != ")" {
            let start = at
            let atom = try atom(depth: depth)
            guard let (min, max, isLazy) = try quantifier() else {
                parts.append(atom)
                continue
            }
            switch atom {
            case .start, .end, .wordBoundary, .look:
                at = start
                throw fault("an assertion can't be repeated")
            default: parts.append(.repetition(atom, min: min, max: max, isLazy: isLazy))
            }
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func atom(depth: Int) throws(PatternError) -> PatternTree {
        let start = at
        guard let next = advance() else { throw fault("unexpected end") }
        switch next {
        case "^": return .start
        case "$": return .end
        case ".": return .set(.dot)
        case "(": return try group(depth: depth)
        case "[": return .set(try characterClass())
        case "\\": return try escape()
        case "*", "+", "?":
            at = start
            throw fault("nothing to repeat")
        case "{":
            at = start
            throw fault("'{' must be escaped")
        default: return .scalar(next)
        }
    }

    private mutating func group(depth: Int) throws(PatternError) -> PatternTree {
        let start = at - 1
        let kind = try groupKind()
        let tree = try alternatives(depth: depth + 1)
        guard take(")") else {
            at = start
            throw fault("the group that starts here has no ')'")
        }
        switch kind {
        case .plain: return tree
        case .taking(let number): return .group(tree, number: number)
        case .look(let isAhead, let isNegated): return .look(tree, isAhead: isAhead, isNegated: isNegated)
        }
    }

    private enum GroupKind {
        case plain
        case taking(number: Int)
        case look(isAhead: Bool, isNegated: Bool)
    }

    private mutating func groupKind() throws(PatternError) -> GroupKind {
        guard take("?") else {
            groupCount += 1
            return .taking(number: groupCount)
        }
        if take(":") { return .plain }
        if take("=") { return .look(isAhead: true, isNegated: false) }
        if take("!") { return .look(isAhead: true, isNegated: true) }
        guard take("<") else { throw fault("unknown kind of group") }
        if take("=") { return .look(isAhead: false, isNegated: false) }
        if take("!") { return .look(isAhead: false, isNegated: true) }
        let name = try groupName()
        if groupNames.prefix(groupCount).contains(name) { throw fault("two groups have the name '\(name)'") }
        groupCount += 1
        return .taking(number: groupCount)
    }

    /// A group's name; the `<` before it is read, the `>` behind it is too.
    private mutating func groupName() throws(PatternError) -> String {
        var name = ""
        while let next = advance(), next != ">" {
            let properties = next.properties
            guard next == "_" || next == "$" || (name.isEmpty ? properties.isIDStart : properties.isIDContinue) else {
                throw fault("a group's name needs letters and a closing '>'")
            }
            name.unicodeScalars.append(next)
        }
        guard !name.isEmpty, scalars[at - 1] == ">" else {
            throw fault("a group's name needs letters and a closing '>'")
        }
        return name
    }

    private mutating func quantifier() throws(PatternError) -> (min: Int, max: Int?, isLazy: Bool)? {
        let range: (Int, Int?)
        if take("*") {
            range = (0, nil)
        } else if take("+") {
            range = (1, nil)
        } else if take("?") {
            range = (0, 1)
        } else if take("{") {
            guard let min = try count() else { throw fault("a count needs digits") }
            var max: Int? = min
            if take(",") { max = try count() }
            guard take("}") else { throw fault("a count needs a closing '}'") }
            if let max, max < min { throw fault("the counts are in the wrong order") }
            range = (min, max)
        } else {
            return nil
        }
        return (range.0, range.1, take("?"))
    }

    private mutating func count() throws(PatternError) -> Int? {
        var value: Int?
        while let next = peek, let digit = Self.digit(next, radix: 10) {
            at += 1
            value = (value ?? 0) * 10 + digit
            if value ?? 0 > Self.countLimit { throw fault("a count may be at most \(Self.countLimit)") }
        }
        return value
    }

    private mutating func escape() throws(PatternError) -> PatternTree {
        switch peek {
        case "b":
            at += 1
            return .wordBoundary(isNegated: false)
        case "B":
            at += 1
            return .wordBoundary(isNegated: true)
        case "k", "1", "2", "3", "4", "5", "6", "7", "8", "9": return .backReference(try backReference())
        default:
            switch try classEscape() {
            case .scalar(let scalar): return .scalar(scalar)
            case .set(let set): return .set(set)
            }
        }
    }

    /// The number of the group that is referred to; the backslash is read.
    private mutating func backReference() throws(PatternError) -> Int {
        let start = at - 1
        var number: Int?
        let wanted: String
        if take("k") {
            guard take("<") else { throw fault("'\\k' needs a group's name in angle brackets") }
            let name = try groupName()
            wanted = "named '\(name)'"
            number = groupNames.firstIndex(of: name).map { $0 + 1 }
        } else {
            number = try count()
            wanted = number.map(String.init) ?? ""
        }
        guard let number, number <= groupNames.count else {
            at = start
            throw fault("there is no group \(wanted)")
        }
        return number
    }

    private enum Escaped {
        case scalar(Unicode.Scalar)
        case set(ScalarSet)
    }

    /// An escape that may stand in a class too; the backslash is read.
    private mutating func classEscape() throws(PatternError) -> Escaped {
        let start = at - 1
        guard let next = advance() else {
            at = start
            throw fault("a '\\' ends the pattern")
        }
        switch next {
        case "d", "D": return .set(.digits(isNegated: next == "D"))
        case "w", "W": return .set(.word(isNegated: next == "W"))
        case "s", "S": return .set(.space(isNegated: next == "S"))
        case "p", "P": return .set(try property(isNegated: next == "P"))
        case "t": return .scalar("\t")
        case "n": return .scalar("\n")
        case "v": return .scalar("\u{B}")
        case "f": return .scalar("\u{C}")
        case "r": return .scalar("\r")
        case "0":
            if let digit = peek, Self.digit(digit, radix: 10) != nil { throw fault("octal escapes are not supported") }
            return .scalar("\0")
        case "c":
            guard let letter = advance(), letter.isASCII, letter.properties.isAlphabetic,
                let scalar = Unicode.Scalar(letter.value % 32)
            else { throw fault("'\\c' needs a letter") }
            return .scalar(scalar)
        case "x": return .scalar(try hexadecimal(digits: 2))
        case "u": return .scalar(try unicodeEscape())
        default:
            if next.isASCII, next.properties.isAlphabetic || next.properties.numericType != nil {
                at = start
                throw fault("unknown escape '\\\(next)'")
            }
            return .scalar(next)
        }
    }

    private mutating func property(isNegated: Bool) throws(PatternError) -> ScalarSet {
        guard take("{") else { throw fault("'\\p' needs a property in braces") }
        let start = at
        var name = ""
        while let next = advance(), next != "}" { name.unicodeScalars.append(next) }
        guard let property = UnicodeProperty.named(name) else {
            at = start
            throw fault("unknown Unicode property '\(name.prefix(40))'")
        }
        return ScalarSet([.property(property, isNegated: isNegated)])
    }

    private mutating func unicodeEscape() throws(PatternError) -> Unicode.Scalar {
        if take("{") {
            var value: UInt32 = 0
            var digits = 0
            while let next = peek, let digit = Self.digit(next, radix: 16), digits < 6 {
                at += 1
                digits += 1
                value = value * 16 + UInt32(digit)
            }
            guard digits > 0, take("}"), let scalar = Unicode.Scalar(value) else {
                throw fault("'\\u{…}' needs the hexadecimal number of a character")
            }
            return scalar
        }
        let unit = try hexadecimalValue(digits: 4)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, take("\\"), take("u") else { throw fault("a lone surrogate is no character") }
        let low = try hexadecimalValue(digits: 4)
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw fault("a lone surrogate is no character") }
        return scalar
    }

    private mutating func hexadecimal(digits: Int) throws(PatternError) -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(try hexadecimalValue(digits: digits)) else { throw fault("no character") }
        return scalar
    }

    private mutating func hexadecimalValue(digits: Int) throws(PatternError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let next = advance(), let digit = Self.digit(next, radix: 16) else {
                throw fault("the escape needs \(digits) hexadecimal digits")
            }
            value = value * 16 + UInt32(digit)
        }
        return value
    }

    private mutating func characterClass() throws(PatternError) -> ScalarSet {
        let start = at - 1
        let isNegated = take("^")
        var items: [ScalarSet.Item] = []
        while let next = peek, next != "]" {
            let low = try classAtom()
            guard peek == "-", at + 1 < scalars.count, scalars[at + 1] != "]" else {
                items.append(Self.item(low))
                continue
            }
            at += 1
            let high = try classAtom()
            guard case .scalar(let first) = low, case .scalar(let last) = high else {
                throw fault("a range needs a character on both sides; escape the '-'")
            }
            guard first <= last else { throw fault("the range's ends are in the wrong order") }
            items.append(.range(first.value...last.value))
        }
        guard take("]") else {
            at = start
            throw fault("the class that starts here has no ']'")
        }
        return ScalarSet(items, isNegated: isNegated)
    }

    private mutating func classAtom() throws(PatternError) -> Escaped {
        guard let next = advance() else { throw fault("the class has no ']'") }
        guard next == "\\" else { return .scalar(next) }
        if take("b") { return .scalar("\u{8}") }
        return try classEscape()
    }

    private static func item(_ atom: Escaped) -> ScalarSet.Item {
        switch atom {
        case .scalar(let scalar): .range(scalar.value...scalar.value)
        case .set(let set): .set(set)
        }
    }

    private static func digit(_ scalar: Unicode.Scalar, radix: Int) -> Int? {
        guard scalar.isASCII, let digit = Character(scalar).hexDigitValue, digit < radix else { return nil }
        return digit
    }

    private var peek: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

    private mutating func advance() -> Unicode.Scalar? {
        guard let next = peek else { return nil }
        at += 1
        return next
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        at += 1
        return true
    }

    private func fault(_ message: String) -> PatternError { PatternError(message: message, position: at) }
}
