import Connectors

extension PostgresCapture {
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
