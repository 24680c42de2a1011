import JSON
import Testing

@testable import flowctl

@Suite("the demo's view of the backfills")
struct BackfillProgressTests {
    @Test("rows add up over tables, a table's latest figure counts, other events change nothing")
    func progress() throws {
        var progress = BackfillProgress()
        for line in [
            #"{"event": "provisioned", "task": "demo/shop"}"#,
            #"{"event": "backfill_started", "binding": "shop.orders", "total_rows_estimate": 1000}"#,
            #"{"event": "backfill_progress", "binding": "shop.orders", "rows": 400, "total_rows_estimate": 1000}"#,
            #"{"event": "backfill_progress", "binding": "shop.orders", "rows": 900, "total_rows_estimate": 1000}"#,
            #"{"event": "backfill_completed", "binding": "shop.events", "rows": 300, "total_rows_estimate": null}"#,
            #"{"event": "streaming", "binding": "shop.events", "rows": 7}"#,
        ] {
            progress.take(try JSONValue(parsing: line))
        }
        #expect(progress.rows == 1200)
        #expect(progress.text == "1,200 of about 1,200 rows, 1 of 7 tables complete")
    }
}
