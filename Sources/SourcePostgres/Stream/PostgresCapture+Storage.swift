import Connectors

extension PostgresCapture {
    /// A table is read again over what is there by finding its rows by their keys. Where the destination has those as text, and the
    /// source writes the same ones otherwise by now, it would find none of them, and take them for rows that the source still has.
    func requireKeyTexts(
        _ record: StorageRecord, _ source: TableSource, _ shape: TableShape, _ binding: LinkBinding, _ link: LinkSpec
    ) throws {
        guard binding.mode == .upsert else { return }
        let comparison = TextComparison(old: record, now: source.found.record)
        let changed = Set(comparison.reworded + comparison.redefined)
        let keys = shape.columns.filter { column in
            binding.key.containsName(column.name) && binding.keepsText(column.name)
                && column.attribute.map(changed.contains) == true
        }.map(\.name)
        guard !keys.isEmpty else { return }
        var error = StorageFault.reworded(columns: keys).error(source, "", task: link.materialization, binding)
        error.gap = nil
        error.incompatibility = .init()
        error.hint = "have the table read from its beginning: \(binding.readingAnew(in: link))"
        throw error
    }

    /// Finds what happened to the table's rows since the link's record that the log doesn't show. Returns what the link mends by
    /// itself, `known` included; throws where it can't. What is still in doubt is for the session to decide.
    func compare(
        _ backfill: inout BackfillState, _ source: TableSource, _ binding: LinkBinding, _ link: LinkSpec,
        known: LogGap?
    ) throws -> LogGap? {
        let remedy = binding.readingAgain(in: link)
        /// Everything before this moment is taken up by reading, or looked for afterwards.
        func begin(_ backfill: inout BackfillState) {
            backfill.record = source.found.record
            doubts.withLock { $0.begin(source, hasRecord: false, remedy, link.materialization, binding) }
        }
        let hasRows = backfill.filter.isCopied || backfill.filter.frontier != nil
        guard hasRows, known?.need != .rows, let record = backfill.record else {
            begin(&backfill)
            return known
        }
        return try rethrowing("compare", "table \(source.name)") {
            let connection = try connect()
            defer { connection.close() }
            let (left, found) = try StorageDoubts.find(
                source, record, connection, remedy, link.materialization, binding, isSwept: known != nil)
            let gap = found?.and(known) ?? known
            if gap?.need == .rows || left.isEmpty && gap != nil {
                begin(&backfill)
                return gap
            }
            doubts.withLock { doubts in
                doubts.begin(source, hasRecord: gap == nil, remedy, link.materialization, binding)
                doubts.add(left)
            }
            if left.isEmpty { backfill.record = source.found.record }
            return gap
        }
    }
}
