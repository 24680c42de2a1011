/// How a scalar is written.
public enum ScalarStyle: UInt8, Sendable, Hashable {
    /// Without quotes: its type follows from its text. Every JSON value but a string counts as plain.
    case plain
    /// In single or double quotes: a string.
    case quoted
    /// After `|` or `>`: a string.
    case block
}
