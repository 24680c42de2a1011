import TestSupport
import Testing

/// What the source's DDL comes to at the destination: the same rows, or a stop that says why. Never another row in silence.
@Suite("changes of the source's schema")
struct SchemaChangeTests {
    @Test("each ends as its row of the table says", arguments: SchemaChange.Moment.allCases)
    func outcomes(moment: SchemaChange.Moment) throws {
        let changes = SchemaChange.all.filter { change in
            // From 18 on nobody can update such a table: the generated column would be in its identity (ComputedColumnTests).
            let isLocked = serverVersion >= 18 && change.change.contains { $0.contains("REPLICA IDENTITY FULL") }
            return !change.never.contains(moment) && !isLocked
        }
        let run = try SchemaChangeRun(moment, changes)
        for verdict in try run.verdicts() { Issue.record("\(verdict)") }
        try run.end()
    }
}
