import JSON

/// Which keywords count in a schema, as its metaschema's `$vocabulary` says.
struct Vocabularies: Sendable, Hashable {
    /// Keywords that apply schemas count.
    var applicator = true
    /// `unevaluatedItems` and `unevaluatedProperties` count.
    var unevaluated = true
    /// Keywords that assert count.
    var validation = true
    /// `format` is asserted, whatever the compiler was told.
    var formatAssertion = false

    /// What counts where no metaschema says otherwise.
    static let standard = Vocabularies()

    private init() {}

    /// What a `$vocabulary` lists.
    init(_ declared: JSONObject) {
        func has(_ name: String) -> Bool { declared.contains("https://json-schema.org/draft/2020-12/vocab/" + name) }
        applicator = has("applicator")
        unevaluated = has("unevaluated")
        validation = has("validation")
        formatAssertion = has("format-assertion")
    }
}
