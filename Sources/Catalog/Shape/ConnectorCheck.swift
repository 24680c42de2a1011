import Diagnostics
import JSON
import JSONSchema
import YAML

/// Checks each enabled task's config and each enabled binding's resource with its connector's schema.
enum ConnectorCheck {
    /// Reports what the schemas don't allow. A task with a connector of the other kind is left out.
    static func run(_ catalog: CatalogSpecs, _ schemas: CatalogSchemas, _ diagnostics: inout DiagnosticCollector) {
        for task in catalog.captures where !task.isDisabled {
            check(
                task.endpoint, of: EndpointRule.captureConnectors, task.enabledBindings.compactMap(\.resource), schemas,
                &diagnostics)
        }
        for task in catalog.materializations where !task.isDisabled {
            check(
                task.endpoint, of: EndpointRule.materializationConnectors, task.enabledBindings.compactMap(\.resource),
                schemas, &diagnostics)
        }
    }

    private static func check(
        _ endpoint: EndpointSpec, of known: [String], _ resources: [Node], _ schemas: CatalogSchemas,
        _ diagnostics: inout DiagnosticCollector
    ) {
        guard let name = endpoint.connector, known.contains(name), let schema = schemas.connectors[name] else { return }
        // What is no object where it is written has been told by the catalog's schema.
        if let config = endpoint.config, config.members != nil || endpoint.isConfigInFile {
            ShapeCheck(schema: schema.config, isOfConfig: true).run(config, &diagnostics)
        }
        for resource in resources { ShapeCheck(schema: schema.resource).run(resource, &diagnostics) }
    }
}
