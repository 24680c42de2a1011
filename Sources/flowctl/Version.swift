/// Which flowctl this is.
enum Version {
    /// By semantic versioning: before 1.0 a minor version may change what a catalog means.
    static let text = "0.1.0"
}
