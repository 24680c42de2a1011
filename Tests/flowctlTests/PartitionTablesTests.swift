import Foundation
import Postgres
import TestSupport
import Testing

/// `capture_as_partitions`: the log names partitions, and each is a table like others, whatever it is attached to.
@Suite("partitions as tables of their own")
struct PartitionTablesTests {
    private static let publication = "flow_publication"

    private func folder(_ name: String) throws -> (Connection, PipelineFolder) {
        let pair = try TestServers.freshDatabases(name)
        let source = try Connection(pair.source)
        try source.execute(
            """
            CREATE TABLE public.t (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
            CREATE TABLE public.t_eu PARTITION OF public.t FOR VALUES IN ('eu');
            CREATE TABLE public.t_us PARTITION OF public.t FOR VALUES IN ('us');
            CREATE TABLE public.t_as PARTITION OF public.t FOR VALUES IN ('as') PARTITION BY RANGE (id);
            CREATE TABLE public.t_as_1 PARTITION OF public.t_as FOR VALUES FROM (0) TO (1000);
            CREATE TABLE public.plain (id int PRIMARY KEY, v text);
            INSERT INTO public.t SELECT g, (ARRAY['eu', 'us', 'as'])[g % 3 + 1], 'v' FROM generate_series(1, 300) g
            """)
        return (
            source,
            try PipelineFolder(
                pair.source, pair.destination, slot: pair.source.database,
                advanced: ["capture_as_partitions": true, "backfill_chunk_size": 20])
        )
    }

    private func tables(_ names: [String]) -> [PipelineFolder.Table] {
        names.map { PipelineFolder.Table(schema: "public", name: $0, key: $0 == "plain" ? ["id"] : ["id", "region"]) }
    }

    @Test(
        "rows move between them, they are attached and detached with rows, truncated alone and together, and nothing stops"
    )
    func traffic() throws {
        let (source, pipeline) = try folder("partitiontables")
        let names = ["t_eu", "t_us", "t_as_1", "plain"]
        let apply = try FlowctlProcess(["apply", "-o", "json", try pipeline.write(tables(names))])
        #expect(apply.waitForLine(seconds: 60) { $0.contains("caught_up") } != nil, "\(apply.errors)")
        for statement in [
            "UPDATE public.t SET region = 'us' WHERE region = 'eu' AND id % 2 = 0",
            "UPDATE public.t SET v = 'w' WHERE id % 5 = 0",
            "ALTER TABLE public.t DETACH PARTITION public.t_us",
            "INSERT INTO public.t_us VALUES (1001, 'us', 'alone'); DELETE FROM public.t_us WHERE id % 4 = 0",
            "TRUNCATE public.t_eu; INSERT INTO public.t VALUES (5, 'eu', 'again')",
            "ALTER TABLE public.t ATTACH PARTITION public.t_us FOR VALUES IN ('us')",
            "INSERT INTO public.t VALUES (1002, 'us', 'back'); INSERT INTO public.plain VALUES (1, 'x')",
        ] { try source.execute("\(raw: statement)") }
        let pairs = names.map { (source: "public.\($0)", destination: "public.\($0)") }
        #expect(eventually(seconds: 60) { (try? pipeline.differences(pairs)) == [] }, "\(apply.errors)")
        try source.execute("TRUNCATE public.t; INSERT INTO public.t VALUES (7, 'eu', 'after'), (8, 'as', 'after')")
        #expect(eventually(seconds: 60) { (try? pipeline.differences(pairs)) == [] }, "\(apply.errors)")
        // A look that has seen the truncated files: what follows is told from a table that was written anew by it.
        let file = try source.query("SELECT pg_relation_filenode('public.t_eu')")[0, 0] ?? ""
        let isNoted = {
            try Connection(pipeline.destination).query(
                "SELECT backfill::jsonb -> 'storage' FROM flow.bindings WHERE destination_table = 't_eu'")[0, 0]?
                .contains(file) == true
        }
        #expect(try eventually(seconds: 60, isNoted), "\(apply.errors)")
        apply.interrupt()
        #expect(apply.waitForExit(seconds: 60) == 0, "\(apply.errors)")

        // While nothing runs: one goes, is changed, and another one comes.
        try source.execute(
            """
            ALTER TABLE public.t DETACH PARTITION public.t_eu; UPDATE public.t_eu SET v = 'detached';
            CREATE TABLE public.t_af PARTITION OF public.t FOR VALUES IN ('af'); INSERT INTO public.t VALUES (9, 'af', 'new')
            """)
        let later = try pipeline.apply(tables(names + ["t_af"]))
        #expect(later.exitCode == 0, "\(later.errors)")
        #expect(try pipeline.differences(pairs + [("public.t_af", "public.t_af")]) == [])
        let verified = try FlowctlProcess.run(["verify", pipeline.folder.appending(path: "flow.json").path])
        #expect(verified.exitCode == 0, "\(verified)")
    }

    @Test("discover lists them instead of their roots, and what it writes runs")
    func discovered() throws {
        let (source, pipeline) = try folder("partitionslisted")
        let file = try pipeline.write(tables(["plain"]))
        let outcome = try FlowctlProcess.run(["discover", "--capture", "fidelity/source", file])
        #expect(outcome.exitCode == 0, "\(outcome)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        for name in ["t_eu", "t_us", "t_as_1"] { #expect(text.contains("\"\(name)\""), "\(text)") }
        for name in ["t", "t_as"] { #expect(!text.contains("\"\(name)\""), "\(text)") }
        // Published by the root's name: its partitions are what is published.
        try source.execute("CREATE PUBLICATION flow_publication FOR TABLE public.t")
        let run = try FlowctlProcess.run(["apply", "--once", "--task", "fidelity/source,fidelity/destination", file])
        #expect(run.exitCode == 0, "\(run.errors)")
    }

    @Test("a root, and a publication that shows its name, are refused by apply and check, with what mends it")
    func refused() throws {
        let (source, pipeline) = try folder("partitionsrefused")
        let root = try pipeline.write(tables(["t"]))
        for command in [["apply", "--once"], ["check"]] {
            let outcome = try FlowctlProcess.run(command + [root])
            #expect(outcome.exitCode == 69)
            let text = outcome.errors + outcome.output
            #expect(text.contains("capture_as_partitions") && text.contains(#""public"."t_as_1""#), "\(text)")
        }
        #expect(try source.query("SELECT FROM pg_publication").count == 0)
        try source.execute(
            "CREATE PUBLICATION flow_publication FOR TABLE public.t WITH (publish_via_partition_root = true)")
        let leaf = try pipeline.write(tables(["t_eu"]))
        let mending = #"ALTER PUBLICATION "flow_publication" SET (publish_via_partition_root = false)"#
        for command in [["apply", "--once"], ["check"]] {
            let outcome = try FlowctlProcess.run(command + [leaf])
            #expect(outcome.exitCode == 69)
            #expect((outcome.errors + outcome.output).contains(mending), "\(outcome)")
        }
        try source.execute("\(raw: mending)")
        let run = try pipeline.apply(tables(["t_eu"]))
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(try pipeline.differences([("public.t_eu", "public.t_eu")]) == [])
    }
}
