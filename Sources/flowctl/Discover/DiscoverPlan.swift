import Catalog
import Connectors
import Glibc
import JSON
import Postgres
import SourcePostgres

/// Which tasks of a catalog a discovery is for, and what its tables become there.
struct DiscoverPlan {
    private let command: Discover
    private let catalog: ExistingCatalog?
    /// The capture that gets the bindings: one that is there, else a new one.
    private let existing: CaptureSpec?
    private let source: EndpointText?
    private let target: EndpointText?
    private let parameters: ConnectionParameters
    /// The capture's config, where it has one.
    let config: JSONValue

    init(command: Discover, catalog: ExistingCatalog?) throws {
        self.command = command
        self.catalog = catalog
        let captures = catalog?.specs.captures ?? []
        var variables: Set<String> = []
        if let name = command.capture {
            guard let spec = catalog?.specs.capture(name) else {
                throw RunError(
                    .needsOperator, operation: "find", object: "capture \"\(name)\"",
                    message: "\(command.file ?? "the file") defines no such capture",
                    hint: captures.isEmpty ? nil : "captures: " + captures.map(\.name.text).joined(separator: ", "))
            }
            guard spec.endpoint.connector == "source-postgres" else {
                throw RunError(
                    .needsOperator, operation: "discover", object: "capture \"\(name)\"",
                    message: "its connector can't be asked for its tables")
            }
            existing = spec
            source = nil
            config = spec.endpoint.config?.value ?? .object(JSONObject())
            let resolved = try SecretResolution(
                folder: spec.endpoint.configFolder, task: name, run: ChildProcess.output(of:)
            ).resolve(config)
            parameters = try DiscoverPlan.connection { try PostgresCaptureConfig(resolved).connection }
        } else {
            var parameters = try DiscoverPlan.connection { try ConnectionURL.parse(command.source ?? "") }
            let variable = EntityNames.variable(parameters.database)
            variables.insert(variable)
            if parameters.password == nil { parameters.password = getenv(variable).map { String(cString: $0) } }
            let plain = EndpointText(image: EndpointText.sourceImage, parameters: parameters, variable: variable)
            existing = captures.first { plain.isSame(as: $0.endpoint.config?.value) }
            source = EndpointText(
                image: EndpointText.sourceImage, parameters: parameters, variable: variable,
                slot: captures.isEmpty ? nil : DiscoverPlan.slot(parameters.database, captures))
            config = existing?.endpoint.config?.value ?? .object(JSONObject())
            self.parameters = parameters
        }
        target = try command.materialize.map { url in
            let parameters = try DiscoverPlan.connection { try ConnectionURL.parse(url) }
            let variable = EntityNames.variable(parameters.database)
            return EndpointText(
                image: EndpointText.destinationImage, parameters: parameters,
                variable: variables.contains(variable)
                    ? EntityNames.variable(parameters.database, "_DESTINATION") : variable)
        }
    }

    func discovery() -> any Discovery {
        PostgresDiscovery(
            connection: parameters,
            publication: config["advanced"]?["publicationName"]?.stringValue ?? "flow_publication",
            listsPartitions: config["advanced"]?["capture_as_partitions"]?.boolValue ?? false)
    }

    private static func connection(_ body: () throws -> ConnectionParameters) throws -> ConnectionParameters {
        do {
            return try body()
        } catch let error as PostgresError {
            throw RunError(.needsOperator, operation: "connect", message: error.message)
        }
    }

    /// A slot's name that no other capture of the catalog has.
    private static func slot(_ database: String, _ captures: [CaptureSpec]) -> String {
        let taken = Set(
            captures.map { $0.endpoint.config?["advanced"]?["slotName"]?.string ?? "flow_slot" })
        let name = database.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        var slot = "flow_slot"
        var number = 1
        while taken.contains(slot) {
            slot = "flow_slot_" + String(name.prefix(40)) + (number > 1 ? "_\(number)" : "")
            number += 1
        }
        return slot
    }

    // MARK: - What is new

    /// Tables that have a binding already are left alone, whatever their binding says.
    func addition(_ tables: [DiscoveredTable]) -> CatalogAddition {
        var names = EntityNames()
        for name in takenNames { names.take(name) }
        let prefix = EntityNames.path(command.prefix ?? "")
        let database = EntityNames.token(parameters.database)
        let captureName =
            existing?.name.text ?? names.new((prefix + [database, "source"]).joined(separator: "/"))
        var capture = CatalogAddition.Bindings(task: captureName, endpoint: existing == nil ? source : nil, items: [])
        let bound = Dictionary(
            (existing?.bindings ?? []).compactMap { binding in
                binding.stream.map { (QualifiedName(binding.namespace, $0), binding) }
            },
            uniquingKeysWith: { first, _ in first })
        var collections: [(name: String, value: JSONObject)] = []
        var targets: [(table: DiscoveredTable, collection: String)] = []
        for table in tables {
            if let binding = bound[QualifiedName(table.namespace, table.stream)] {
                if let target = binding.target, !binding.isDisabled { targets.append((table, target.text)) }
                continue
            }
            if let obstacle = table.obstacle {
                capture.items.append(.comment(DiscoverPlan.comment(table, obstacle)))
                continue
            }
            let path = prefix + (command.prefixDatabase ? [database] : [])
            let name = names.new(
                (path + [EntityNames.token(table.namespace), EntityNames.token(table.stream)]).joined(separator: "/"))
            var resource = JSONObject([("namespace", .string(table.namespace)), ("stream", .string(table.stream))])
            for member in table.resource { resource[member.key] = member.value }
            capture.items.append(
                .binding(
                    JSONObject([("resource", .object(resource)), ("target", .string(name))]),
                    notes: table.notes.map { "\(table.namespace).\(table.stream): \($0)" }))
            var collection = JSONObject([("key", .array(table.key.map { .string($0) }))])
            collection["schema"] = table.schema
            collections.append((name, collection))
            targets.append((table, name))
        }
        return CatalogAddition(
            capture: capture, collections: collections,
            materialization: target.map { materialization($0, targets, &names, prefix) })
    }

    private static func comment(_ table: DiscoveredTable, _ obstacle: DiscoveredTable.Obstacle) -> String {
        "\(table.namespace).\(table.stream) is left out: \(obstacle.reason)."
            + (obstacle.remedy.map { " What would change that:\n  \($0)" } ?? "")
    }

    private var takenNames: [String] {
        guard let specs = catalog?.specs else { return [] }
        return specs.captures.map(\.name.text) + specs.collections.map(\.name.text)
            + specs.materializations.map(\.name.text)
    }

    private func materialization(
        _ target: EndpointText, _ targets: [(table: DiscoveredTable, collection: String)], _ names: inout EntityNames,
        _ prefix: [String]
    ) -> CatalogAddition.Bindings {
        let existing = catalog?.specs.materializations.first { target.isSame(as: $0.endpoint.config?.value) }
        let defaultSchema = existing?.defaultSchema ?? "public"
        let bound = Set((existing?.bindings ?? []).compactMap { $0.source?.text })
        let name =
            existing?.name.text
            ?? names.new(
                (prefix + [EntityNames.token(target.parameters.database), "destination"]).joined(separator: "/"))
        var bindings = CatalogAddition.Bindings(task: name, endpoint: existing == nil ? target : nil, items: [])
        for (table, collection) in targets where !bound.contains(collection) {
            var resource = JSONObject([("table", .string(table.stream))])
            if !table.namespace.isSameName(as: defaultSchema) { resource["schema"] = .string(table.namespace) }
            if table.isKeyless { resource["delta_updates"] = true }
            bindings.items.append(
                .binding(
                    JSONObject([("source", .string(collection)), ("resource", .object(resource))]), notes: []))
        }
        return bindings
    }
}
