extension CatalogSchemas {
    /// The schemas that come with the program.
    public static let embedded = CatalogSchemas()
}
