import JSON

/// The keywords of strings and numbers.
extension Evaluation {
    /// Checks length, pattern and format.
    mutating func checkString(_ node: SchemaNode, _ text: String) -> Bool {
        let rules = node.parts.strings
        var isValid = true
        let shown = { JSONValue.string(text).shown }
        if let least = rules.minLength, text.utf8.count < least || text.unicodeScalars.count < least {
            isValid = false
            let limit = least == 1 ? "must not be empty" : "must have at least \(least) characters"
            fail(node, "minLength", least == 1 ? limit : "\(shown()) \(limit)", limit)
        }
        if let most = rules.maxLength, text.utf8.count > most, text.unicodeScalars.count > most {
            isValid = false
            fail(
                node, "maxLength", "\(shown()) must have at most \(most) characters",
                "must have at most \(most) characters")
        }
        if !isValid && stopsEarly { return false }
        if let pattern = rules.pattern {
            switch pattern.search(text, budget: &patternSteps) {
            case .match: break
            case .noMatch:
                isValid = false
                fail(
                    node, "pattern", "\(shown()) does not match the pattern \(pattern.source.cut(200))",
                    "the text does not match the pattern \(pattern.source.cut(200))")
            case .tooCostly:
                isValid = false
                fail(node, "pattern", "the text is too long to be checked against \(pattern.source.cut(200))")
            }
        }
        if node.parts.assertsFormat, let format = node.parts.format, !Format.allows(text, format) {
            isValid = false
            let name = Format.phrase(format)
            fail(node, "format", "\(shown()) is not \(name)", "the text is not \(name)")
        }
        return isValid
    }

    /// Checks bounds and multiples.
    mutating func checkNumber(_ node: SchemaNode, _ number: JSONNumber) -> Bool {
        let rules = node.parts.numbers
        var isValid = true
        let shown = number.text.cut(40)
        func check(_ limit: JSONNumber?, _ keyword: String, _ words: String, _ holds: (JSONNumber) -> Bool) {
            guard let limit, !holds(limit) else { return }
            isValid = false
            fail(node, keyword, "\(shown) must be \(words) \(limit.text)", "must be \(words) \(limit.text)")
        }
        check(rules.minimum, "minimum", "at least") { number >= $0 }
        check(rules.maximum, "maximum", "at most") { number <= $0 }
        check(rules.exclusiveMinimum, "exclusiveMinimum", "above") { number > $0 }
        check(rules.exclusiveMaximum, "exclusiveMaximum", "below") { number < $0 }
        check(rules.multipleOf, "multipleOf", "a multiple of") { number.isMultiple(of: $0) }
        return isValid
    }
}
