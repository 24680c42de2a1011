import Connectors

/// What a run of one capture and its links would do as it begins, found out without doing any of it.
///
/// The run's own steps are taken, with a source and destinations that note what they would make: probe, open, prepare,
/// attach. What they refuse is kept, and the rest is planned all the same.
public struct PipelinePlan: Sendable {
    /// Why a table's rows are copied.
    public enum Reason: String, Sendable {
        /// The destination has none of them yet.
        case new
        /// Over what is there.
        case readAgain = "read_again"
        /// After the table was emptied.
        case rebuilt
        /// A run before has copied a part.
        case goesOn = "goes_on"
    }

    /// Rows to be copied into one table.
    public struct Backfill: Sendable {
        public var binding: LinkBinding
        /// The source's table: schema and name.
        public var source: (schema: String, name: String)
        public var reason: Reason
        /// The source's estimates of the whole table; nil where it has none.
        public var rows: Int64?
        public var bytes: Int64?
        /// Rows that an earlier run copied.
        public var copied: Int64
    }

    /// What one destination would be asked for.
    public struct Link: Sendable {
        public var spec: LinkSpec
        public var changes: [PlannedChange] = []
        public var backfills: [Backfill] = []
        /// What would stop it.
        public var refusals: [RunError] = []
        /// What the catalog's policies have done instead, in a sentence each.
        public var remarks: [String] = []
        /// What is worth to know of how it runs, in a sentence each; nothing is done about it.
        public var notes: [String] = []
    }

    public var capture: String
    /// At the source.
    public var changes: [PlannedChange] = []
    public var links: [Link] = []
    /// What would stop all of it.
    public var refusals: [RunError] = []

    /// Asks source and destinations. Blocks.
    public init(capture: any Capture, links plans: [CaptureRunner.LinkPlan]) {
        self.capture = capture.name
        let members = plans.map { LinkMember($0, mostAttempts: 1) }
        var opened: [(member: LinkMember, transactor: any Transactor)] = []
        defer { opened.forEach { $0.transactor.close() } }
        for member in members {
            do {
                opened.append((member, try LinkSession.open(member, isPlan: true)))
            } catch {
                links.append(Link(spec: member.spec, refusals: [PipelinePlan.known(error, of: member.name)]))
            }
        }
        do {
            try capture.probe()
        } catch {
            refusals.append(PipelinePlan.known(error, of: capture.name))
        }
        do {
            let start = try LinkSession.start(of: opened) { checkpoints in
                try capture.plan(
                    checkpoints, followed: LinkSession.followed(opened), areAll: opened.count == members.count)
            }
            changes = start.changes
            for (index, (member, transactor)) in opened.enumerated() {
                links.append(PipelinePlan.link(member.spec, transactor, capture, start, start.refusals[index]))
            }
        } catch {
            let error = LinkSession.told(error, opened.map(\.transactor))
            if refusals.isEmpty { refusals.append(PipelinePlan.known(error, of: capture.name)) }
            links += opened.map { Link(spec: $0.member.spec) }
        }
        let order = plans.map(\.spec.materialization)
        links.sort {
            (order.firstIndex(of: $0.spec.materialization) ?? 0) < (order.firstIndex(of: $1.spec.materialization) ?? 0)
        }
    }

    private static func link(
        _ spec: LinkSpec, _ transactor: any Transactor, _ capture: any Capture, _ start: CaptureStart,
        _ refusal: RunError?
    ) -> Link {
        var link = Link(spec: spec)
        do {
            if let refusal { throw LinkSession.told(refusal, [transactor]) }
            let (tables, _) = try LinkSession.tables(of: spec, transactor, capture, start, mayDestroy: true)
            try transactor.attach(tables, beginning: transactor.checkpoint == nil ? start.newLink : nil)
            link.changes = transactor.changes
            link.refusals = transactor.refusals
            link.backfills = zip(spec.bindings, tables).compactMap { backfill($0, $1, start) }
            link.remarks += zip(spec.bindings, tables).compactMap { binding, table in
                table.state.gap.map { "table \(binding.schema).\(binding.name): \($0.remark)" }
            }
            link.follow(transactor.refusals)
            if transactor.writers > 1 {
                link.notes.append(
                    "\(transactor.writers) writers store large commits, each its own tables (tasks): readers can see tables that "
                        + "differ by a commit; each table by itself has whole source transactions, each once")
            }
        } catch {
            link.refusals.append(known(error, of: spec.materialization))
        }
        return link
    }

    private static func backfill(
        _ binding: LinkBinding, _ table: AttachedTable, _ start: CaptureStart
    ) -> Backfill? {
        let reason: Reason
        switch table.state.phase {
        case _ where table.isRebuilt: reason = .rebuilt
        case _ where table.state.isReadAgain: reason = .readAgain
        case .pending: reason = .new
        case .backfilling: reason = table.state.rows > 0 ? .goesOn : .new
        case .streaming, .detached, .disabled: return nil
        }
        return Backfill(
            binding: binding, source: (table.shape.namespace, table.shape.name), reason: reason,
            rows: start.estimatedRows[binding.table],
            bytes: start.estimatedBytes.indices.contains(binding.table) ? start.estimatedBytes[binding.table] : nil,
            copied: reason == .goesOn ? table.state.rows : 0)
    }

    private static func known(_ error: any Error, of task: String) -> RunError {
        var error = error as? RunError ?? RunError(.internal, operation: "plan", message: "\(error)")
        error.task = error.task ?? task
        return error
    }
}

extension PipelinePlan.Link {
    /// Takes refusals that the catalog's policies get past for what the run would do instead (`CaptureRunner.follow`).
    fileprivate mutating func follow(_ errors: [RunError]) {
        for error in errors {
            guard let incompatibility = error.incompatibility,
                let binding = spec.bindings.first(where: { $0.index == error.binding })
            else { continue }
            let name = "\(binding.schema).\(binding.name)"
            switch binding.onIncompatible {
            case .abort, .disableTask: continue
            case .backfill:
                let columns = incompatibility.dropping.map { "\"\($0)\"" }.joined(separator: ", ")
                remarks.append(
                    "table \(name) is emptied" + (columns.isEmpty ? "" : ", loses \(columns)")
                        + " and is read again (onIncompatibleSchemaChange: backfill): \(error.message)")
            case .disableBinding:
                guard spec.bindings.count > 1 else { continue }
                remarks.append(
                    "table \(name) is left as it is (onIncompatibleSchemaChange: disableBinding): \(error.message)")
            }
            refusals.removeAll { $0.binding == error.binding && $0.incompatibility != nil }
        }
    }
}
