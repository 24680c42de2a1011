import Diagnostics

/// An endpoint's image chooses a built-in connector of the right kind; the other forms of endpoints don't run here.
enum EndpointRule: CatalogRule {
    /// The built-in connectors that capture.
    static let captureConnectors = ["source-postgres"]
    /// The built-in connectors that materialize.
    static let materializationConnectors = ["materialize-postgres"]

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.captures {
            check(task.name, task.endpoint, captureConnectors, materializationConnectors, &diagnostics)
        }
        for task in catalog.materializations {
            check(task.name, task.endpoint, materializationConnectors, captureConnectors, &diagnostics)
        }
    }

    private static func check(
        _ name: EntityName, _ endpoint: EndpointSpec, _ known: [String], _ others: [String],
        _ diagnostics: inout DiagnosticCollector
    ) {
        for form in ["local", "dekaf"] {
            guard let member = name.node["endpoint"]?.member(form) else { continue }
            diagnostics.report(
                member.keyError(
                    .notSupported, "'endpoint.\(form)' of \(name.phrase) is not supported",
                    hint: "use 'endpoint.connector' with the image of \(known.joined(separator: " or "))"))
        }
        guard let image = endpoint.image, !image.node.isBroken, !image.text.isEmpty, let connector = endpoint.connector,
            !known.contains(connector)
        else { return }
        if others.contains(connector) {
            let does = name.kind == .capture ? "materializes, it can't capture" : "captures, it can't materialize"
            diagnostics.report(
                image.node.error(
                    .wrongConnectorKind, "connector '\(connector)' \(does)",
                    hint: "a \(name.kind.rawValue) takes \(known.joined(separator: " or "))"))
            return
        }
        let nearest = Suggestion.hint(for: connector, among: known)
        diagnostics.report(
            image.node.error(
                .unknownConnector, "connector '\(connector)' of \(name.phrase) is unknown",
                notes: [.init("known connectors of a \(name.kind.rawValue): \(known.joined(separator: ", "))")],
                hint: nearest))
    }
}
