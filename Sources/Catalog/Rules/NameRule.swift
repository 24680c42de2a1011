import Diagnostics

/// Names are well formed, and no two collide: letter case apart, across all kinds, and not as a folder of one another.
enum NameRule: CatalogRule {
    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        var known: [String: EntityName] = [:]
        for name in catalog.names {
            guard isLegal(name.text) else {
                diagnostics.report(illegal(name))
                continue
            }
            let folded = name.text.lowercased()
            if let other = known[folded] {
                diagnostics.report(collision(name, other))
            } else {
                known[folded] = name
            }
        }
        for name in catalog.names {
            for (index, character) in zip(name.text.indices, name.text) where character == "/" {
                guard let other = known[name.text[..<index].lowercased()] else { continue }
                diagnostics.report(
                    name.error(
                        .namePrefix, "the name of \(name.phrase) begins with that of \(other.phrase)",
                        notes: [.init("\(other.phrase) is defined", at: other.range)]))
            }
        }
    }

    /// Letters, digits, `-`, `_` and `.` in parts joined by single slashes.
    static func isLegal(_ name: String) -> Bool {
        name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.unicodeScalars.allSatisfy(isTokenScalar)
        }
    }

    private static func isTokenScalar(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "-" || scalar == "_" || scalar == "." { return true }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber:
            return true
        default: return false
        }
    }

    private static func illegal(_ name: EntityName) -> Diagnostic {
        if name.text.isEmpty { return name.error(.illegalName, "a \(name.kind.rawValue) has an empty name") }
        let wrong = name.text.unicodeScalars.first { !isTokenScalar($0) && $0 != "/" }
        let reason =
            wrong.map { "'\($0)' can't be part of it" } ?? "its parts are joined by single slashes, none at an end"
        return name.error(.illegalName, "'\(name.text)' is no name for a \(name.kind.rawValue): \(reason)")
    }

    private static func collision(_ name: EntityName, _ other: EntityName) -> Diagnostic {
        let note = Diagnostic.Note("\(other.phrase) is defined", at: other.range)
        if name.kind == other.kind, name.text == other.text {
            return name.error(.definedTwice, "\(name.phrase) is defined twice", notes: [note])
        }
        return name.error(.nameCollision, "the name of \(name.phrase) collides with \(other.phrase)", notes: [note])
    }
}
