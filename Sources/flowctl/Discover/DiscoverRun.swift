import Catalog
import Connectors
import Diagnostics
import Glibc
import JSON
import Postgres
import SourcePostgres
import YAML

/// One run of `flowctl discover`: read what is there, ask the source, write what is new.
struct DiscoverRun {
    let command: Discover

    /// Throws what is no `RunError` for a defect; everything else is shown and becomes an exit code.
    func run() throws -> ExitStatus {
        do {
            let catalog = try ExistingCatalog.load(command.file)
            if let catalog, catalog.diagnostics.hasErrors {
                Output.log(lines: catalog.diagnostics.render(.human, files: 1, colour: Output.hasColour))
                return .catalogInvalid
            }
            let plan = try DiscoverPlan(command: command, catalog: catalog)
            let found = try plan.discovery().discover(try selection(plan.config))
            let addition = plan.addition(found.tables)
            try write(addition, into: catalog)
            report(found, addition, plan)
            return .done
        } catch let error as RunError {
            Output.log("error: \(error)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
            return ExitStatus(error)
        } catch let error as CatalogEdit.Fault {
            Output.log("error: \(error.message)\nhint: leave FILE out and take what you need from the output")
            return .catalogInvalid
        }
    }

    // MARK: - What is wanted

    private func selection(_ config: JSONValue) throws -> TableSelection {
        var selection = TableSelection(
            schemas: names(command.schemas), patterns: command.tables.compactMap(TablePattern.init),
            list: try command.tablesCsv.map(list) ?? [])
        let filters = config["discoveryFilters"]
        let advanced = config["advanced"]
        func strings(_ value: JSONValue?) -> [String] { (value?.arrayValue ?? []).compactMap(\.stringValue) }
        if selection.schemas.isEmpty {
            selection.schemas = strings(filters?["include_schemas"]) + strings(advanced?["discover_schemas"])
        }
        selection.excludedSchemas = strings(filters?["exclude_schemas"])
        if selection.patterns.isEmpty {
            selection.patterns = strings(filters?["table_patterns"]).compactMap(TablePattern.init)
        }
        let unpublished = filters?["discover_unpublished_tables"] ?? advanced?["discover_unpublished_tables"]
        selection.onlyPublished = unpublished?.boolValue == false
        return selection
    }

    /// A comma separates names too.
    private func names(_ values: [String]) -> [String] { values.flatMap { $0.split(separator: ",").map(String.init) } }

    private func list(_ path: String) throws -> [TableSelection.ListedTable] {
        let text = String(decoding: try WholeFile.read(path), as: UTF8.self)
        do {
            let rows = try TableListFile.rows(text)
            guard rows.isEmpty else { return rows }
            throw RunError(.needsOperator, operation: "read", object: path, message: "the list of tables is empty")
        } catch let fault as TableListFault {
            throw RunError(.needsOperator, operation: "read", object: path, message: fault.message)
        }
    }

    // MARK: - Writing

    private func write(_ addition: CatalogAddition, into catalog: ExistingCatalog?) throws {
        guard let file = command.file else {
            let isJSON = command.options.output == .json
            Output.lines(
                isJSON
                    ? JSONWriter.write(addition.value, .pretty) + "\n"
                    : styled(addition.text(modeline: SchemaAddress.modeline(for: "."))))
            return
        }
        guard let catalog else {
            let isJSON = file.hasSuffix(".json")
            let text =
                isJSON
                ? JSONWriter.write(addition.value, .pretty) + "\n"
                : styled(addition.text(modeline: SchemaAddress.modeline(for: file)))
            return try WholeFile.write(file, Array(text.utf8))
        }
        guard !addition.isEmpty else { return }
        var edit = CatalogEdit(catalog.document)
        if edit.isBlank {
            let text = addition.text(modeline: SchemaAddress.modeline(for: file))
            return try WholeFile.write(file, catalog.document.file.bytes + Array(text.utf8))
        }
        try add(addition.capture, to: "captures", &edit)
        if !addition.collections.isEmpty {
            try edit.add(
                to: "collections", lines: addition.collectionLines,
                values: addition.collections.map { ($0.name, .object($0.value)) })
        }
        if let materialization = addition.materialization { try add(materialization, to: "materializations", &edit) }
        try WholeFile.write(file, edit.result())
    }

    /// As `fmt` writes it.
    private func styled(_ text: String) -> String {
        var ignored = DiagnosticCollector()
        return CatalogStyle.format(SourceFile(path: "catalog.yaml", text: text), &ignored) ?? text
    }

    private func add(_ bindings: CatalogAddition.Bindings, to section: String, _ edit: inout CatalogEdit) throws {
        if bindings.endpoint != nil {
            try edit.add(to: section, lines: bindings.lines, values: [(bindings.task, bindings.value)])
        } else if !bindings.bindings.isEmpty {
            try edit.append(
                to: section, bindings.task, lines: bindings.itemLines(withComments: false), values: bindings.bindings)
        }
    }

    // MARK: - Telling

    /// What was left out and why, and what is still to do, on standard error; with a file and `-o json`, an object on
    /// standard output that says what was added.
    private func report(_ found: DiscoveredTables, _ addition: CatalogAddition, _ plan: DiscoverPlan) {
        for warning in found.warnings { Output.log("warning: \(warning)") }
        for table in found.tables {
            if let obstacle = table.obstacle {
                Output.log(
                    "warning: \(table.namespace).\(table.stream) is left out: \(obstacle.reason)"
                        + (obstacle.remedy.map { "\nhint: \($0)" } ?? ""))
            } else {
                for note in table.notes { Output.log("note: \(table.namespace).\(table.stream): \(note)") }
            }
        }
        if found.tables.allSatisfy({ $0.obstacle != nil }) { Output.log("warning: no table was found to capture") }
        for endpoint in [addition.capture.endpoint, addition.materialization?.endpoint].compactMap({ $0 }) {
            Output.log("hint: the catalog takes the password of \(endpoint.parameters) from $\(endpoint.variable)")
        }
        guard let file = command.file else { return }
        if command.options.output == .json {
            Output.line(
                JSONWriter.write(
                    .object(
                        JSONObject([
                            ("file", .string(file)), ("capture", .string(addition.capture.task)),
                            ("bindings_added", .int(addition.capture.bindings.count)),
                            ("collections_added", .array(addition.collections.map { .string($0.name) })),
                            (
                                "left_out",
                                .array(
                                    found.tables.filter { $0.obstacle != nil }
                                        .map { .string("\($0.namespace).\($0.stream)") })
                            ),
                        ])), .spaced))
        } else {
            Output.log(
                addition.isEmpty
                    ? "\(file): nothing new"
                    : "\(file): \(addition.capture.bindings.count) table(s) added to capture \(addition.capture.task)")
        }
    }
}
