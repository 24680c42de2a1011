import Connectors

extension LinkSession {
    /// Bytes of batches that may wait for one link.
    private static let mailboxBytes = 8 << 20

    /// Opens every link that is due. Nil where none could be. Throws what keeps the capture from running; as a run begins
    /// (`isFirst`), also what keeps the only links from it that could be tried again.
    static func open(_ runner: CaptureRunner, isFirst: Bool) throws -> LinkSession? {
        try runner.capture.probe()
        var opened: [(member: LinkMember, transactor: any Transactor)] = []
        var failed: [(member: LinkMember, error: any Error)] = []
        for member in runner.members where member.stopError == nil && (member.delay ?? 0) == 0 {
            member.becomeReady()
            do {
                opened.append((member, try open(member)))
            } catch {
                failed.append((member, error))
            }
        }
        if isFirst, opened.isEmpty, let lost = failed.first(where: { ($0.error as? RunError)?.kind == .unreachable }) {
            for (member, error) in failed where member !== lost.member { runner.note(error, of: member) }
            throw lost.error
        }
        for (member, error) in failed { runner.note(error, of: member) }
        var links: [(member: LinkMember, link: Link)] = []
        if !opened.isEmpty {
            let start: CaptureStart
            do {
                start = try LinkSession.start(of: opened) { checkpoints in
                    try runner.capture.prepare(
                        checkpoints, followed: followed(opened),
                        areAll: opened.count == runner.members.count && runner.keptFrom == nil, stop: runner.stop
                    ) { phrase in
                        var event = RunEvent(.warning, task: runner.capture.name)
                        event.message = phrase
                        runner.observer.record(event)
                    }
                }
            } catch {
                let error = told(error, opened.map(\.transactor))
                opened.forEach { $0.transactor.close() }
                throw error
            }
            var mayHaveBegun = false
            for (index, (member, transactor)) in opened.enumerated() {
                do {
                    if let refusal = start.refusals[index] { throw told(refusal, [transactor]) }
                    let link = try openLink(runner, member, transactor, start, isFirst: isFirst)
                    link.report(unanswered: member.takeUnanswered())
                    links.append((member, link))
                    if isFirst { try warn(of: start.encoding, runner, transactor, member) }
                    tell(of: transactor.parked, runner, member, isFirst: isFirst)
                    member.reached(transactor.checkpoint?.position ?? start.newLink.position)
                } catch {
                    transactor.close()
                    // The answer to a commit can be what was lost.
                    mayHaveBegun = mayHaveBegun || (error as? RunError)?.isPassing != false
                    runner.note(error, of: member)
                }
            }
            if !links.isEmpty {
                for phrase in start.provisioned {
                    var event = RunEvent(.provisioned, task: runner.capture.name)
                    event.message = phrase
                    runner.observer.record(event)
                }
                return LinkSession(runner, start, links)
            }
            if !mayHaveBegun { runner.capture.withdraw() }
        }
        return nil
    }

    /// Opens a member's link without the bindings that its destination has as disabled and the catalog does not ask to have
    /// read again.
    static func open(_ member: LinkMember, isPlan: Bool = false) throws -> any Transactor {
        let spec = member.spec
        let materialization = member.plan.materialization
        let transactor = try isPlan ? materialization.openPlan(spec) : materialization.open(spec)
        let disabled = spec.bindings.indices.filter { index in
            guard let known = transactor.checkpoint(of: index), known.phase == .disabled else { return false }
            return !BindingStart.isReadAgain(spec.bindings[index], known)
        }
        guard !disabled.isEmpty else { return transactor }
        transactor.close()
        guard disabled.count < spec.bindings.count else {
            let binding = spec.bindings[disabled[0]]
            throw RunError(
                .needsOperator, operation: "attach", object: "table \(binding.schema).\(binding.name)",
                message:
                    "it is disabled since it could not follow the source, and there is no other table to go on with",
                hint: "have it read again: \(binding.readingAnew(in: spec))",
                task: spec.materialization, binding: binding.index)
        }
        for index in disabled { member.disable(spec.bindings[index].index) }
        member.becomeReady()
        return try open(member, isPlan: isPlan)
    }

    /// What keeps links from going on, with all that their destinations can say of it.
    static func told(_ error: any Error, _ transactors: [any Transactor]) -> any Error {
        guard var refusal = error as? RunError, refusal.needsBeginning, let hint = refusal.hint else { return error }
        let statements = transactors.map(\.beginningAnew).filter { !$0.isEmpty }
        guard !statements.isEmpty else { return refusal }
        refusal.hint = hint + statements.map { ": at the destination, \($0)" }.joined(separator: "; and")
        return refusal
    }

    private static func warn(
        of encoding: String?, _ runner: CaptureRunner, _ transactor: any Transactor, _ member: LinkMember
    ) throws {
        guard let encoding, let concern = try transactor.concern(sourceEncoding: encoding) else { return }
        var event = RunEvent(.warning, task: member.name)
        event.message = concern
        runner.observer.record(event)
    }

    /// Tables that are parked are said as a run begins, and known to whoever waits for its end.
    private static func tell(
        of parked: [Int: ParkedTable], _ runner: CaptureRunner, _ member: LinkMember, isFirst: Bool
    ) {
        let spec = member.spec
        member.opened(
            parked: parked.sorted { $0.key < $1.key }.map { index, park in
                let binding = spec.bindings[index]
                let table = "\(binding.schema).\(binding.name)"
                let error = RunError(
                    .needsOperator, operation: "store rows", object: "table \(table)",
                    message: "it is parked since \(park.since): \(park.error)",
                    hint: "flowctl retry FILE --table \(table)", task: member.name, binding: binding.index)
                if isFirst {
                    var event = RunEvent(.warning, task: member.name, binding: table)
                    let why = park.error.split(separator: "\n").joined(separator: "; ")
                    event.message =
                        "parked since \(park.since), \(park.changes) changes (\(Quantity.bytes(park.bytes))) wait: "
                        + "\(why); then: flowctl retry FILE --table \(table)"
                    runner.observer.record(event)
                }
                return error
            })
    }

    private static func openLink(
        _ runner: CaptureRunner, _ member: LinkMember, _ transactor: any Transactor, _ start: CaptureStart,
        isFirst: Bool
    ) throws -> Link {
        let spec = member.spec
        let isNew = transactor.checkpoint == nil
        let checkpoint = transactor.checkpoint ?? start.newLink
        let (tables, backfills) = try LinkSession.tables(
            of: spec, transactor, runner.capture, start, mayDestroy: runner.mayDestroy, gaps: member.gaps,
            refused: member.refused)
        try transactor.attach(tables, beginning: isNew ? start.newLink : nil)
        member.told()
        for (binding, table) in zip(spec.bindings, tables) {
            guard let gap = table.state.gap, gap.isNew || isFirst else { continue }
            var event = RunEvent(.warning, task: member.name, binding: "\(binding.schema).\(binding.name)")
            event.message =
                "table \(table.shape.namespace).\(table.shape.name) lacks what the log does not show: \(gap.remark)"
            runner.observer.record(event)
        }
        let behind = transactor.behind
        // After the shapes were read.
        let now = behind.isEmpty ? .zero : try runner.capture.committedPosition()
        return try Link(
            spec: spec, shapes: start.shapes, transactor: transactor, backfills: backfills, capture: runner.capture,
            mailbox: LinkMailbox(capacityBytes: mailboxBytes), status: LinkStatus(),
            observer: runner.observer, position: checkpoint.position,
            shapesAhead: Dictionary(
                uniqueKeysWithValues: behind.map {
                    ($0, Link.ShapeAhead(shape: start.shapes[spec.bindings[$0].table], until: now))
                }),
            readFrom: Dictionary(uniqueKeysWithValues: tables.indices.map { ($0, backfills.readFrom($0)) }))
    }

    /// What the link's tables are attached with, and the backfills that they begin with or go on with.
    static func tables(
        of spec: LinkSpec, _ transactor: any Transactor, _ capture: any Capture, _ start: CaptureStart,
        mayDestroy: Bool, gaps: [Int: LogGap] = [:], refused: [Int: String] = [:]
    ) throws -> ([AttachedTable], any LinkBackfills) {
        let checkpoint = transactor.checkpoint ?? start.newLink
        let starts = try spec.bindings.enumerated().map { index, binding in
            var begin = try BindingStart(
                binding, of: spec, recorded: transactor.checkpoint(of: index),
                estimatedRows: start.estimatedRows[binding.table], mayDestroy: mayDestroy)
            begin.state.gap = gaps[binding.index]
            begin.state.refusal = refused[binding.index]
            return begin
        }
        let backfills = try capture.backfills(
            of: spec, start: start, checkpoint: checkpoint, states: starts.map(\.state),
            signals: transactor.checkpoint == nil ? nil : try transactor.signals())
        let tables = zip(spec.bindings, starts).enumerated().map { index, pair in
            let (binding, begin) = pair
            var state = begin.state
            let known = backfills.state(of: index)
            state.backfill = known.backfill
            state.rows = known.rows
            state.bytes = known.bytes
            state.gap = known.gap
            if known.isReadAgain {
                state.isReadAgain = true
                state.estimatedRows = known.estimatedRows
            }
            // Rows come before the first chunk does.
            if state.isReadAgain || state.gap != nil || state.refusal != nil || binding.readsSomeRows {
                state.phase = known.phase
            }
            return AttachedTable(
                start.shapes[binding.table], state,
                willBackfill: state.phase == .pending, isRebuilt: begin.isRebuilt)
        }
        return (tables, backfills)
    }

    /// What a capture finds for the links' checkpoints. The log must also lead to where single tables are that are further than
    /// their link; else that is the link's refusal.
    static func start(
        of opened: [(member: LinkMember, transactor: any Transactor)],
        preparing: ([LinkCheckpoint?]) throws -> CaptureStart
    ) throws -> CaptureStart {
        var further: [(link: Int, checkpoint: LinkCheckpoint)] = []
        for (link, (member, transactor)) in opened.enumerated() {
            let places = member.spec.bindings.indices.compactMap { transactor.ahead(of: $0) }
            if let furthest = places.max(by: { $0.position < $1.position }) { further.append((link, furthest)) }
        }
        var start = try preparing(opened.map(\.transactor.checkpoint) + further.map(\.checkpoint))
        for (refusal, place) in zip(start.refusals.dropFirst(opened.count), further) {
            start.refusals[place.link] = start.refusals[place.link] ?? refusal
        }
        start.refusals = Array(start.refusals.prefix(opened.count))
        return start
    }

    /// Tables of which a link has rows already.
    static func followed(_ opened: [(member: LinkMember, transactor: any Transactor)]) -> Set<Int> {
        var tables: Set<Int> = []
        for (member, transactor) in opened {
            for (index, binding) in member.spec.bindings.enumerated() {
                guard let known = transactor.checkpoint(of: index), known.phase != .pending,
                    !BindingStart.isReadAgain(binding, known)
                else { continue }
                tables.insert(binding.table)
            }
        }
        return tables
    }
}
