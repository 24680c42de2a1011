import Diagnostics
import YAML

/// No change comes back to the table that it was captured from, at once or by way of other tables.
enum TableLoopRule: CatalogRule {
    private struct Table: Hashable {
        let address: String
        let database: String
        let schema: String
        let name: String

        /// Nil where the config says no address.
        init?(_ config: Node?, _ schema: String, _ name: String) {
            guard let config, let address = config["address"]?.string else { return nil }
            self.address = ServerAddress.normalized(address)
            database = config["database"]?.string ?? "postgres"
            self.schema = schema
            self.name = name
        }
    }

    /// A captured table and one that its changes are written to.
    private struct Way {
        let from: Table
        let to: Table
        let capture: CaptureSpec
        let task: MaterializationSpec
        let place: Node
        let source: Node
    }

    /// Reports every place that breaks the rule.
    static func check(_ catalog: CatalogSpecs, _ diagnostics: inout DiagnosticCollector) {
        for way in onLoops(ways(catalog)) {
            let table = "'\(way.to.schema).\(way.to.name)'"
            let isItself = way.from == way.to
            diagnostics.report(
                way.place.error(
                    .tableLoop,
                    isItself
                        ? "\(way.task.name.phrase) writes table \(table), from which \(way.capture.name.phrase) takes the rows"
                        : "\(way.task.name.phrase) writes table \(table), whose rows are captured and come back to their source",
                    notes: [.init("'\(way.from.schema).\(way.from.name)' is captured", at: way.source.range)],
                    hint: "write into another table, schema or database"))
        }
    }

    private static func ways(_ catalog: CatalogSpecs) -> [Way] {
        typealias Writer = (capture: CaptureSpec, table: Table, place: Node)
        var writers: [String: [Writer]] = [:]
        for capture in catalog.captures where !capture.isDisabled {
            for binding in capture.enabledBindings {
                guard let target = binding.target, let place = binding.resource?["stream"], let stream = binding.stream,
                    let table = Table(capture.endpoint.config, binding.namespace, stream)
                else { continue }
                writers[target.text, default: []].append((capture, table, place))
            }
        }
        return catalog.materializations.filter { !$0.isDisabled }.flatMap { task in
            task.enabledBindings.flatMap { binding -> [Way] in
                guard let place = binding.resource?["table"], let name = place.string, let source = binding.source,
                    let table = Table(
                        task.endpoint.config, binding.resource?["schema"]?.string ?? task.defaultSchema, name)
                else { return [] }
                return (writers[source.text] ?? []).map {
                    Way(from: $0.table, to: table, capture: $0.capture, task: task, place: place, source: $0.place)
                }
            }
        }
    }

    /// The ways left when those that begin where none ends, or end where none begins, are taken away again and again.
    private static func onLoops(_ ways: [Way]) -> [Way] {
        var left = ways
        while true {
            let starts = Set(left.map(\.from))
            let ends = Set(left.map(\.to))
            let next = left.filter { starts.contains($0.to) && ends.contains($0.from) }
            if next.count == left.count { return left }
            left = next
        }
    }
}
