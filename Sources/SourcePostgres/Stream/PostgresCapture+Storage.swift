import Connectors

extension PostgresCapture {
    /// Finds what happened to the table's rows since the link's record that the log doesn't show.
    func compare(
        _ backfill: inout BackfillState, _ source: TableSource, _ binding: LinkBinding, _ link: LinkSpec
    ) throws {
        let remedy = binding.readingAgain(in: link)
        let hasRows = backfill.filter.isCopied || backfill.filter.frontier != nil
        guard hasRows, let record = backfill.record else {
            backfill.record = source.found.record
            return doubts.withLock { $0.begin(source, hasRecord: false, remedy, link.materialization, binding) }
        }
        try rethrowing("compare", "table \(source.name)") {
            let connection = try connect()
            defer { connection.close() }
            let left = try StorageDoubts.find(source, record, connection, remedy, link.materialization, binding)
            doubts.withLock { doubts in
                doubts.begin(source, hasRecord: true, remedy, link.materialization, binding)
                doubts.add(left)
            }
            if left.isEmpty { backfill.record = source.found.record }
        }
    }
}
