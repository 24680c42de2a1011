import Connectors
import JSON
import MaterializePostgres
import Postgres
import Runtime
import SourcePostgres
import TaskGraph

/// Builds what runs from what was compiled: connectors with their configs, and links between their bindings.
struct PipelineAssembly {
    let graph: CompiledGraph
    /// Only tasks of these names, where there are any.
    var only: Set<String> = []

    /// One capture with the links that it feeds.
    struct Pipeline {
        var capture: PostgresCapture
        var links: [CaptureRunner.LinkPlan]
        /// See `PipelineAssembly.keptFrom`.
        var keptFrom: LogPosition?
    }

    /// The pipelines of every enabled capture that feeds something. Throws `RunError` for a secret that can't be read.
    func pipelines() throws -> [Pipeline] {
        var pipelines: [Pipeline] = []
        for (index, task) in graph.captures.enumerated() where !task.isDisabled && isWanted(task.name) {
            let links = graph.links.filter { link in
                let materialization = graph.materializations[link.materialization]
                return link.capture == index && !materialization.isDisabled && isWanted(materialization.name)
            }
            guard var pipeline = try pipeline(task, links) else { continue }
            pipeline.keptFrom = keptFrom(index)
            pipelines.append(pipeline)
        }
        return pipelines
    }

    /// What the source must keep its log from for the capture's links that are not run now: else they could not go on later.
    /// Nil where there are none with a checkpoint; zero where one can't be asked.
    private func keptFrom(_ capture: Int) -> LogPosition? {
        let absent = graph.links.map { ($0, graph.materializations[$0.materialization]) }
            .filter { $0.capture == capture && !isWanted($1.name) }
        return absent.compactMap { _, task in
            do {
                let links = try StatusReading.materialization(task).status()
                return links.first { $0.capture == graph.captures[capture].name }?.position
            } catch {
                return .zero
            }
        }.min()
    }

    private func isWanted(_ name: String) -> Bool { only.isEmpty || only.contains(name) }

    private func pipeline(_ task: CaptureTask, _ links: [CompiledGraph.Link]) throws -> Pipeline? {
        let used = Set(links.flatMap { $0.pairs.map(\.captureBinding) })
        let bindings = task.bindings.enumerated().filter { used.contains($0.offset) && !$0.element.isDisabled }
        guard !bindings.isEmpty else { return nil }
        let config = try SecretResolution(folder: task.configFolder, task: task.name, run: ChildProcess.output(of:))
            .resolve(task.config)
        var tableOfBinding: [Int: Int] = [:]
        for (table, binding) in bindings.enumerated() { tableOfBinding[binding.offset] = table }
        let skips = SkippedBackfills(config["advanced"]?["skip_backfills"]?.stringValue ?? "")
        let readsYoungRows = config["advanced"]?["min_backfill_xid"]?.stringValue != nil
        let plans = try links.compactMap { try plan($0, task, tableOfBinding, skips, readsYoungRows) }
        let capture = PostgresCapture(
            name: task.name, config: try of(task.name) { try task.captureConfig(resolved: config) },
            tables: bindings.map { offset, binding in
                CapturedTable(
                    namespace: binding.namespace, stream: binding.stream,
                    priority: priority(of: binding, offset, links), binding: binding.index,
                    keys: keys(tableOfBinding[offset], plans), backfillFilter: filter(binding),
                    isReadWhole: isReadWhole(tableOfBinding[offset], plans))
            })
        return plans.isEmpty ? nil : Pipeline(capture: capture, links: plans)
    }

    private func isReadWhole(_ table: Int?, _ plans: [CaptureRunner.LinkPlan]) -> Bool {
        !plans.contains { plan in
            plan.spec.bindings.contains { $0.table == table && ($0.skipsBackfill || $0.readsSomeRows) }
        }
    }

    private func filter(_ binding: CaptureTask.Binding) -> String? {
        binding.resource["advanced"]?["additional_backfill_filter"]?.stringValue
    }

    /// Which tables are read first: what the capture says of the table, and the most that a destination says of it.
    private func priority(of binding: CaptureTask.Binding, _ index: Int, _ links: [CompiledGraph.Link]) -> Int {
        let asked = links.flatMap { link in
            link.pairs.filter { $0.captureBinding == index }
                .map { graph.materializations[link.materialization].bindings[$0.materializationBinding] }
                .filter { !$0.isDisabled }.map(\.priority)
        }
        let (sum, isTooMuch) = (binding.resource["priority"]?.intValue ?? 0).addingReportingOverflow(asked.max() ?? 0)
        return isTooMuch ? (sum < 0 ? .max : .min) : sum
    }

    /// What destinations tell a captured table's rows apart by.
    private func keys(_ table: Int?, _ plans: [CaptureRunner.LinkPlan]) -> [CapturedTable.Key] {
        plans.flatMap { plan in
            plan.spec.bindings.filter { $0.table == table && $0.mode == .upsert && !$0.key.isEmpty }.map {
                CapturedTable.Key(
                    columns: $0.key, collection: $0.collection, task: plan.spec.materialization, binding: $0.index)
            }
        }
    }

    private func plan(
        _ link: CompiledGraph.Link, _ capture: CaptureTask, _ tableOfBinding: [Int: Int], _ skips: SkippedBackfills,
        _ readsYoungRows: Bool
    ) throws -> CaptureRunner.LinkPlan? {
        let task = graph.materializations[link.materialization]
        let config = try SecretResolution(folder: task.configFolder, task: task.name, run: ChildProcess.output(of:))
            .resolve(task.config)
        var bindings: [LinkBinding] = []
        for pair in link.pairs {
            let binding = task.bindings[pair.materializationBinding]
            guard !binding.isDisabled, let table = tableOfBinding[pair.captureBinding] else { continue }
            let source = capture.bindings[pair.captureBinding]
            var made = try linkBinding(binding, of: task, config, table: table, source, skips)
            made.readsSomeRows = made.readsSomeRows || readsYoungRows
            bindings.append(made)
        }
        guard !bindings.isEmpty else { return nil }
        return CaptureRunner.LinkPlan(
            spec: LinkSpec(capture: capture.name, materialization: task.name, bindings: bindings),
            materialization: PostgresMaterialization(
                name: task.name, config: try of(task.name) { try PostgresMaterialization.Config(config) }))
    }

    /// Errors of the body with the task that they are of.
    private func of<Result>(_ task: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch var error as RunError {
            error.task = error.task ?? task
            throw error
        }
    }

    private func linkBinding(
        _ binding: MaterializationTask.Binding, of task: MaterializationTask, _ config: JSONValue, table: Int,
        _ source: CaptureTask.Binding, _ skips: SkippedBackfills
    ) throws -> LinkBinding {
        let resource = binding.resource
        let modeName = resource["insertMode"]?.stringValue ?? config["insertMode"]?.stringValue
        let isDelta = binding.deltaUpdates || modeName == "insert"
        var deletes = DeleteMode.hard
        if let hard = config["hardDelete"]?.boolValue { deletes = hard ? .hard : .soft }
        if let name = resource["deleteMode"]?.stringValue ?? config["deleteMode"]?.stringValue,
            let mode = DeleteMode(rawValue: name)
        {
            deletes = mode
        }
        var link = LinkBinding(
            table: table, index: binding.index, collection: binding.collection, schema: binding.schema,
            name: binding.table, key: try key(binding, task),
            mode: isDelta ? .insert : .upsert, deletes: deletes,
            backfillCounter: source.backfillCounter, rebuildCounter: binding.backfillCounter,
            skipsBackfill: source.resource["mode"]?.stringValue == "Only Changes"
                || skips.contains(source.namespace, source.stream),
            readsSomeRows: filter(source) != nil || binding.window != nil,
            requiredFields: required(binding), excludedFields: binding.columns.excluded.map(\.text),
            onlyFields: only(binding.columns, source.columns),
            additionalCreateSQL: resource["additional_table_create_sql"]?.stringValue)
        link.window = binding.window
        link.isShared = isShared(binding, of: task)
        link.adopts = resource["adopt"]?.boolValue ?? false
        let policy = resource["onRowError"]?.stringValue ?? config["onRowError"]?.stringValue
        link.onRowError = policy.flatMap { RowErrorPolicy(rawValue: $0) } ?? .halt
        link.looksUpUnchanged = isDelta && config["advanced"]?["toast"]?.stringValue == "lookup"
        link.onIncompatible = IncompatibilityPolicy(rawValue: binding.onIncompatibleSchemaChange) ?? .abort
        link.names = binding.columns.names
        for (field, config) in binding.fields.require {
            let column = binding.columns.column(ofField: field)
            if config["castToString"]?.boolValue == true { link.types[JSONKey(column)] = .text }
            if let definition = config["DDL"]?.stringValue { link.types[JSONKey(column)] = .declared(definition) }
        }
        return link
    }

    /// Whether several tables, or several tasks, fill the binding's table.
    private func isShared(_ binding: MaterializationTask.Binding, of task: MaterializationTask) -> Bool {
        let writers = graph.captures.flatMap(\.bindings).filter { $0.collection == binding.collection }
        let others = graph.materializations.filter {
            $0.config["address"] == task.config["address"] && $0.config["database"] == task.config["database"]
        }.flatMap(\.bindings).filter { $0.schema == binding.schema && $0.table == binding.table }
        return writers.count > 1 || others.count > 1
    }

    /// Required fields by their names at the destination.
    private func required(_ binding: MaterializationTask.Binding) -> [String] {
        binding.fields.require.map { field, _ in
            binding.columns.destinationName(of: binding.columns.column(ofField: field))
        }
    }

    /// The columns that both allow: what the destination takes, and what may leave the source.
    private func only(_ selection: ColumnSelection, _ captured: [String]?) -> [String]? {
        guard let captured else { return selection.only }
        return captured.filter(selection.takes)
    }

    /// A key that is the place in the log stands for none: rows of such a table can't be told apart.
    private func key(_ binding: MaterializationTask.Binding, _ task: MaterializationTask) throws -> [String] {
        let place = "/_meta/source/loc/"
        guard !binding.key.allSatisfy({ $0.hasPrefix(place) }) else { return [] }
        return try binding.key.map { try column($0, binding, task) }
    }

    /// The column that a key's pointer names: one segment, with `~1` and `~0` undone.
    private func column(
        _ pointer: String, _ binding: MaterializationTask.Binding, _ task: MaterializationTask
    ) throws -> String {
        guard let tokens = JSONPointer(parsing: pointer)?.tokens, tokens.count == 1 else {
            throw RunError(
                .needsOperator, operation: "follow the key", object: "collection \"\(binding.collection)\"",
                message: "its key \"\(pointer)\" is not a column of the captured table",
                hint: "use the table's key columns: key: [/id]", task: task.name, binding: binding.index)
        }
        return tokens[0]
    }
}

/// `advanced.skip_backfills`: `schema.table` names, or `*.*`; compared without regard to case, as the property says.
struct SkippedBackfills {
    private let all: Bool
    private let names: Set<String>

    init(_ text: String) {
        let entries = text.split(separator: ",").map { entry in
            var entry = entry
            while entry.first == " " { entry.removeFirst() }
            while entry.last == " " { entry.removeLast() }
            return entry.lowercased()
        }
        all = entries.contains("*.*")
        names = Set(entries)
    }

    func contains(_ namespace: String, _ stream: String) -> Bool {
        all || names.contains("\(namespace).\(stream)".lowercased())
    }
}
