import Catalog
import Testing

@Suite("the schemas that come with the program")
struct EmbeddedSchemasTests {
    @Test("all of them compile")
    func compile() {
        #expect(CatalogSchemas.embedded.catalog != nil)
        #expect(CatalogSchemas.embedded.connectors.keys.sorted() == ["materialize-postgres", "source-postgres"])
    }
}
