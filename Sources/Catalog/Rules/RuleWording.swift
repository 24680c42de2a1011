import JSON
import JSONSchema

/// Which failures of the catalog's schema are also found by a rule, which knows names and can say more.
enum RuleWording {
    @Sendable static func covers(_ failure: SchemaFailure) -> Bool {
        let tokens = failure.instance.tokens
        if failure.keyword == "propertyNames" || (failure.isAboutKey && failure.keyword == "pattern") {
            return tokens.count == 2
        }
        if failure.isAboutKey, tokens.count == 4, tokens[2] == "endpoint", tokens[3] == "dekaf" { return true }
        guard tokens.first == "collections", tokens.count >= 2 else { return false }
        if tokens.count == 2 { return failure.keyword == "dependentRequired" }
        switch tokens[2] {
        case "key": return failure.keyword == "minItems" || failure.keyword == "pattern"
        case "projections": return failure.keyword == "pattern"
        case "writeSchema", "readSchema": return tokens.count == 3 && !["type", "pattern"].contains(failure.keyword)
        default: return false
        }
    }
}
