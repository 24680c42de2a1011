import JSON
import Postgres

/// The endpoint of a task for a database that a URL names. The password stays out: the config refers to an environment
/// variable.
struct EndpointText {
    let image: String
    let config: JSONObject
    /// The variable that the config takes the password from.
    let variable: String
    let parameters: ConnectionParameters

    /// The address as a config writes it.
    static func address(_ parameters: ConnectionParameters) -> String {
        let host =
            parameters.host.contains(":") && !parameters.host.hasPrefix("/") ? "[\(parameters.host)]" : parameters.host
        return "\(host):\(parameters.port)"
    }

    init(image: String, parameters: ConnectionParameters, variable: String, slot: String? = nil) {
        self.image = image
        self.variable = variable
        self.parameters = parameters
        var config = JSONObject()
        config["address"] = .string(EndpointText.address(parameters))
        config["database"] = .string(parameters.database)
        config["user"] = .string(parameters.user)
        config["password"] = ["env": .string(variable)]
        var advanced = JSONObject()
        if parameters.sslMode != "prefer" { advanced["sslmode"] = .string(parameters.sslMode) }
        advanced["sslrootcert"] = parameters.sslRootCert.map { .string($0) }
        advanced["sslcert"] = parameters.sslCert.map { .string($0) }
        advanced["sslkey"] = parameters.sslKey.map { .string($0) }
        advanced["slotName"] = slot.map { .string($0) }
        if !advanced.isEmpty { config["advanced"] = .object(advanced) }
        self.config = config
    }

    /// The task's `endpoint`.
    var value: JSONValue {
        ["connector": ["image": .string(image), "config": .object(config)]]
    }

    /// Whether a config is of the same database, as far as its text says.
    func isSame(as config: JSONValue?) -> Bool {
        guard let text = config?["address"]?.stringValue, let address = try? Address(text) else { return false }
        return address.host.lowercased() == parameters.host.lowercased() && address.port == parameters.port
            && (config?["database"]?.stringValue ?? "postgres") == parameters.database
    }

    static let sourceImage = "ghcr.io/estuary/source-postgres:dev"
    static let destinationImage = "ghcr.io/estuary/materialize-postgres:dev"
}
