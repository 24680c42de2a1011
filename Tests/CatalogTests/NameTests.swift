import Testing

@testable import Catalog

@Suite("names, images, paths and moments")
struct NameTests {
    @Test("letters and digits of any script and - _ . make a name, single slashes join its parts")
    func names() {
        for name in ["a", "a/b", "Größe/ñandú", "東京/注文", "a-b_c.d/1"] { #expect(NameRule.isLegal(name)) }
        for name in ["", "/a", "a/", "a//b", "a b", "a:b", "a\nb"] { #expect(!NameRule.isLegal(name)) }
    }

    @Test(
        "the last part of an image without tag or digest is the connector",
        arguments: [
            ("ghcr.io/estuary/source-postgres:dev", "source-postgres"), ("source-postgres", "source-postgres"),
            ("localhost:5000/source-postgres", "source-postgres"),
            ("ghcr.io/estuary/materialize-postgres@sha256:ab12", "materialize-postgres"),
            ("a/source-postgres:v1@sha256:ab12", "source-postgres"), ("a/", ""),
        ])
    func images(image: String, connector: String) {
        #expect(EndpointSpec.connector(ofImage: image) == connector)
    }

    @Test("a path is relative to the folder of the file that names it")
    func paths() {
        #expect(FilePath.join(FilePath.folder(of: "catalogs/shop.yaml"), "../shared/a.yaml") == "shared/a.yaml")
        #expect(FilePath.join(FilePath.folder(of: "shop.yaml"), "../a.yaml") == "../a.yaml")
        #expect(FilePath.join(FilePath.folder(of: "/etc/shop.yaml"), "./x/../a.yaml") == "/etc/a.yaml")
        #expect(FilePath.join("any", "/a/../../b.yaml") == "/b.yaml")
        #expect(FilePath.folder(of: "/a.yaml") == "/")
    }

    @Test("schemas know a file by its absolute path, so that a catalog in a folder above finds its files")
    func schemaNames() {
        #expect(!LoadedCatalog.uri(of: "../a/b.yaml").contains(".."))
        #expect(LoadedCatalog.uri(of: "/a b/c#d.yaml") == "file:///a%20b/c%23d.yaml")
    }

    @Test("a file: URL of this machine is its path, and %20 a space")
    func localURLs() {
        #expect(FilePath.local("file:///a%20b.yaml") == "/a b.yaml")
        #expect(FilePath.local("file://elsewhere/a.yaml") == "file://elsewhere/a.yaml")
        #expect(FilePath.local("a%20b.yaml") == "a%20b.yaml")
        #expect(FilePath.decoded("a%20b") == "a b")
        for text in ["a", "a%2", "a%zz", "a%ff"] { #expect(FilePath.decoded(text) == nil) }
    }

    @Test("a URL has a scheme, a path has none")
    func schemes() {
        #expect(FilePath.scheme(of: "HTTPS://example.com/a.yaml") == "https")
        #expect(FilePath.scheme(of: "a/b://c") == nil)
        #expect(FilePath.scheme(of: "C:/a") == nil)
    }

    @Test("moments compare by time, whatever their zone and number of digits")
    func moments() throws {
        let ordered = [
            "1969-12-31T23:59:59Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00+01:00", "2024-03-01T00:00:00Z",
            "2024-03-01T00:00:00.01Z", "2024-03-01T00:00:00.1Z", "2024-02-29T23:00:01-01:00",
        ]
        let moments = try ordered.map { try #require(Timestamp($0)) }
        for (earlier, later) in zip(moments, moments.dropFirst()) { #expect(earlier < later) }
        #expect(Timestamp("2024-01-01T00:00:00.50Z") == Timestamp("2024-01-01T01:00:00.5+01:00"))
        for text in ["", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00+1"] {
            #expect(Timestamp(text) == nil)
        }
    }
}
