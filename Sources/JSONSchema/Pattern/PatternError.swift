/// Why an expression can't be compiled.
public struct PatternError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, without a full stop.
    public let message: String
    /// Characters before the fault.
    public let position: Int

    /// `message at character N`, from 1.
    public var description: String { "\(message) at character \(position + 1)" }
}
