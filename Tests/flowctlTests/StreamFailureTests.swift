import Foundation
import Postgres
import TestSupport
import Testing

@Suite("what ends a stream")
struct StreamFailureTests {
    @Test(
        "names the capture, its place in the catalog and what to do", .timeLimit(.minutes(10)),
        arguments: [
            ("truncated", "TRUNCATE public.orders", "set advanced.truncate"),
            // A server of 18 goes on without it, and says so in its own log only.
            (
                "publication", "DROP PUBLICATION flow_publication; INSERT INTO public.orders VALUES (5, '')",
                serverVersion < 18 ? "42704" : "taken out of publication"
            ),
        ])
    func failures(name: String, statement: String, words: String) throws {
        let pipeline = try StatusTests.Pipeline("ends_\(name)")
        try pipeline.write([("shop/warehouse", pipeline.destination)])
        let text = try String(contentsOfFile: pipeline.catalog, encoding: .utf8)
        try text.replacing("backfill_chunk_size: 100", with: "truncate: halt").write(
            toFile: pipeline.catalog, atomically: true, encoding: .utf8)
        let run = try FlowctlProcess(["apply", pipeline.catalog])
        #expect(eventually(seconds: 60) { run.errors.contains("caught up") }, "\(run.errors)")
        try Connection(pipeline.source).execute("\(raw: statement)")
        #expect(run.waitForExit(seconds: 60) == 69, "\(run.errors)")
        let message = run.errors.components(separatedBy: "error       ").last ?? ""
        #expect(message.hasPrefix("shop/source: "), "\(message)")
        #expect(message.contains("  at \(pipeline.catalog):") || message.contains("flow.yaml:"), "\(message)")
        #expect(message.contains("hint: ") && message.contains(words), "\(message)")
    }
}
