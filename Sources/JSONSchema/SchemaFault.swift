import JSON

/// A mistake in a schema itself.
public struct SchemaFault: Sendable, Hashable, CustomStringConvertible {
    /// The URI under which the schema's document was given.
    public let document: String
    /// The faulty place in that document.
    public let pointer: JSONPointer
    /// The keyword at fault; empty where the schema as a whole is.
    public let keyword: String
    /// What is wrong, without a full stop.
    public let message: String
    /// The fault is the name at the end of `pointer`, not its value.
    public let isAboutKey: Bool
    /// A name that is not known, where one is at fault.
    public let subject: String?
    /// Names that could have been meant by `subject`.
    public let candidates: [String]

    /// A mistake at a place.
    init(
        document: String, pointer: JSONPointer, keyword: String, _ message: String, isAboutKey: Bool = false,
        subject: String? = nil, candidates: [String] = []
    ) {
        self.document = document
        self.pointer = pointer
        self.keyword = keyword
        self.message = message
        self.isAboutKey = isAboutKey
        self.subject = subject
        self.candidates = candidates
    }

    /// `message at document#pointer`.
    public var description: String { "\(message) at \(document)#\(pointer)" }
}

/// All mistakes that were found in schemas.
public struct SchemaFaults: Error, Sendable, Hashable, CustomStringConvertible {
    /// The mistakes in the order found; at least one.
    public let faults: [SchemaFault]

    /// One mistake a line.
    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
