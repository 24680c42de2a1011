import Diagnostics
import YAML

/// Where a task connects, and through which connector.
public struct EndpointSpec: Sendable {
    /// The image as written; nil where the shape is at fault or another form than `connector` is used.
    public internal(set) var image: LocatedText?
    /// The connector's config, from its file where it is given as one.
    public internal(set) var config: Node?
    /// Whether a file is named in the config's place.
    let isConfigInFile: Bool

    /// The last part of the image's path without tag or digest: `source-postgres`.
    public var connector: String? { image.map { Self.connector(ofImage: $0.text) } }

    /// The folder that file names within the config are relative to.
    public var configFolder: String { config.map { FilePath.folder(of: $0.file.path) } ?? "." }

    /// `ghcr.io/estuary/source-postgres:dev` is `source-postgres`.
    static func connector(ofImage image: String) -> String {
        let last = image.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return String(last.prefix { $0 != "@" && $0 != ":" })
    }

    /// Reads `endpoint`.
    init(_ node: Node?, _ files: LoadedCatalog) {
        isConfigInFile = node?["connector"]?["config"]?.string != nil
        guard let connector = node?["connector"] else { return }
        image = LocatedText(connector["image"])
        config = connector["config"].flatMap(files.resolve)
    }
}
