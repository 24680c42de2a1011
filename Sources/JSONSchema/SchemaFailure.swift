import JSON

/// One reason why a value is invalid, in words for the one who wrote the value.
public struct SchemaFailure: Sendable, Hashable, CustomStringConvertible {
    /// The faulty value. For a missing member it is the object that lacks it.
    public let instance: JSONPointer
    /// The fault is in the name at the end of `instance`, not in its value.
    public let isAboutKey: Bool
    /// The keyword that is not met.
    public let keyword: String
    /// Where the keyword stands: the document's URI, `#` and a JSON pointer.
    public let schema: String
    /// What is wrong, without a full stop. No secret is in it.
    public let message: String
    /// The same without the offending value, for where it could be a secret that no schema marks as one.
    public let redacted: String
    /// Names of members at fault: unknown or missing ones.
    public let names: [String]
    /// The text that could be a slip of the pen: an unknown name or value.
    public let subject: String?
    /// What could have been meant by `subject`.
    public let candidates: [String]
    /// A value that the schema itself gives as an example of what is right there.
    public let example: JSONValue?
    /// The value is marked as a secret: never show its text.
    public let isSecret: Bool

    /// `message at pointer`.
    public var description: String { instance.isRoot ? message : "\(message) at \(instance)" }
}
