/// A failure as it is found, before it is known whether its value is a secret.
struct RecordedFailure {
    /// The way to the value.
    var path: [String]
    /// The schema that is not met.
    let node: SchemaNode.ID
    /// The keyword that is not met.
    let keyword: String
    /// The message with the offending value.
    let message: String
    /// The message without it; nil where they are the same.
    var redacted: String?
    /// The fault is the last name of the way.
    var isAboutKey = false
    /// Names of members at fault.
    var names: [String] = []
    /// What could be a slip of the pen.
    var subject: String?
    /// What could have been meant by it.
    var candidates: [String] = []

    /// How deep in the value the fault is; a wrong name is a fault of the object that holds it.
    var depth: Int { isAboutKey ? path.count - 1 : path.count }
    /// The whole value has the wrong type or is the wrong one.
    var isAboutKind: Bool { keyword == "type" || keyword == "const" || keyword == "enum" || keyword == "false" }
}
