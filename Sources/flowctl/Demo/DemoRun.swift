import Connectors
import Glibc
import JSON
import Postgres
import Runtime

/// One run of the demo, on a thread of its own. Every step gives up quietly once `stop` is requested; servers, traffic and
/// runner end with it however it ends.
struct DemoRun {
    let command: Demo
    let stop: StopSignal
    private let start = MonotonicClock.now
    private let screen: DemoScreen

    init(command: Demo, stop: StopSignal) {
        self.command = command
        self.stop = stop
        screen = DemoScreen(start: start, log: command.options.log)
    }

    /// Whether both ends were equal (also where it was stopped before they were compared).
    func run() throws -> Bool {
        let folder = try DemoFolder.claim(command.folder)
        if folder.path != command.folder {
            screen.say("\(command.folder) holds files that the demo did not write: it takes \(folder.path).")
        }
        do {
            return try run(folder)
        } catch is Stopped {
            return true
        } catch  where stop.isRequested {
            return true
        }
    }

    /// It was asked to stop between two steps.
    private struct Stopped: Error {}

    private func goOn() throws {
        if stop.isRequested { throw Stopped() }
    }

    private func run(_ folder: DemoFolder) throws -> Bool {
        let source = try LocalServer("demo-source")
        defer { source.remove() }
        try goOn()
        let destination = try LocalServer("demo-destination")
        defer { destination.remove() }
        try goOn()
        let major = try source.connect().serverVersion / 10_000
        screen.step(
            "servers", "two of PostgreSQL \(major): source on port \(source.port), destination on \(destination.port)")

        try fill(source)
        try prepare(destination)
        try goOn()
        let trafficStop = stop.follower()
        let traffic = ThreadGroup(onFailure: { _ in trafficStop.request() })
        try begin(traffic, at: source, until: trafficStop)
        defer {
            trafficStop.request()
            try? traffic.join()
            stop.release(trafficStop)
        }

        try folder.write(
            source: source.parameters(database: Shop.database, user: "flow_capture"),
            destination: destination.parameters(database: "warehouse", user: "flow"))
        screen.step("catalog", "\(folder.catalog): the pipeline, seven tables")
        let watch = try DemoWatch(source: source, destination: destination, stop: stop)
        try goOn()
        let isEqual = try pipe(folder, watch)
        if trafficStop.isRequested, !stop.isRequested { try traffic.join() }
        return isEqual
    }

    // MARK: - Steps

    private func fill(_ server: LocalServer) throws {
        let rows = try Shop.create(on: server, betweenSteps: goOn)
        screen.step(
            "shop", "\(DemoScreen.grouped(rows)) rows in \(Shop.tables.count) tables, with every common type")
    }

    private func prepare(_ server: LocalServer) throws {
        let connection = try server.connect()
        try connection.execute("CREATE ROLE flow LOGIN")
        try connection.execute("CREATE DATABASE warehouse OWNER flow")
    }

    private func begin(_ threads: ThreadGroup, at server: LocalServer, until stop: StopSignal) throws {
        let connection = try server.connect(database: Shop.database)
        let rate = command.rate
        threads.spawn("traffic") {
            var traffic = ShopTraffic(connection: connection, stop: stop, rate: rate)
            try traffic.run()
        }
        screen.step("traffic", "\(rate) transactions a second from now on: inserts, updates, deletes, renamed keys")
    }

    private func pipe(_ folder: DemoFolder, _ watch: DemoWatch) throws -> Bool {
        var runner = try startRunner(folder)
        defer { runner.end(SIGTERM) }
        guard try backfill(runner, folder), try stream(runner, folder, watch, seconds: command.seconds) else {
            return true
        }
        guard let first = try watch.compare() else { return true }
        report(first)

        let victim = runner.identifier
        runner.end(SIGKILL)
        screen.step("kill -9", "process \(victim), in the middle of the stream")
        runner = try startRunner(folder)
        guard try stream(runner, folder, watch, seconds: 2) else { return first.isEqual }
        guard let second = try watch.compare() else { return first.isEqual }
        report(second)
        printTable(second)
        if command.keep {
            screen.say("Everything goes on until you press Ctrl-C. Source and destination:")
            for parameters in [watch.sourceParameters, watch.destinationParameters] {
                screen.say(
                    "  psql -h \(parameters.host) -p \(parameters.port) -U \(parameters.user) \(parameters.database)")
            }
            _ = try stream(runner, folder, watch, seconds: nil)
        }
        screen.say(
            "The catalog stays: \(folder.catalog). \(folder.path)/README.md says how to go on with your own tables.")
        return first.isEqual && second.isEqual
    }

    private func startRunner(_ folder: DemoFolder) throws -> ApplyProcess {
        let runner = try ApplyProcess(catalog: folder.catalog, log: folder.log)
        screen.step("apply", "flowctl apply \(folder.catalog), as process \(runner.identifier)")
        return runner
    }

    /// Waits until the destination has every table, and tells how far it is.
    private func backfill(_ runner: ApplyProcess, _ folder: DemoFolder) throws -> Bool {
        var progress = BackfillProgress()
        var hasRows = false
        while !stop.isRequested {
            for event in try events(of: runner, folder, wait: 200) {
                progress.take(event)
                if !hasRows, progress.rows > 0 {
                    hasRows = true
                    screen.step("first rows", "are at the destination")
                }
                if event["event"]?.stringValue == "caught_up" {
                    screen.step("backfill", "done: \(progress.text)")
                    return true
                }
            }
            if hasRows { screen.progress("backfill", progress.text) }
        }
        return false
    }

    /// Shows how far the destination is behind; for ever where no seconds are given.
    private func stream(_ runner: ApplyProcess, _ folder: DemoFolder, _ watch: DemoWatch, seconds: Int?) throws -> Bool
    {
        let begin = MonotonicClock.now
        var second = 0
        while !stop.isRequested {
            _ = try events(of: runner, folder, wait: 200)
            let elapsed = Int(MonotonicClock.seconds(since: begin))
            screen.progress("streaming", try watch.lag(), isLasting: elapsed > second)
            second = max(second, elapsed)
            if let seconds, elapsed >= seconds { return true }
        }
        return false
    }

    private func events(of runner: ApplyProcess, _ folder: DemoFolder, wait milliseconds: Int) throws -> [JSONValue] {
        let events = runner.events(wait: milliseconds, wakeDescriptor: stop.descriptor)
        if !stop.isRequested, let code = runner.exitCode {
            let error = events.last { $0["event"]?.stringValue == "error" }
            throw RunError(
                .internal, operation: "run", object: "flowctl apply \(folder.catalog)",
                message: error?["message"]?.stringValue ?? "it ended with exit code \(code)",
                hint: "see \(folder.log)")
        }
        return events
    }

    // MARK: - Results

    private func report(_ comparison: ShopComparison) {
        let equal = comparison.tables.count { $0.isEqual }
        screen.step(
            "compared",
            "\(equal) of \(comparison.tables.count) tables equal, "
                + "both as they were after transaction \(DemoScreen.grouped(comparison.transaction)) of the traffic")
    }

    private func printTable(_ comparison: ShopComparison) {
        switch command.options.output {
        case .human:
            func line(_ name: String, _ source: String, _ destination: String, _ verdict: String) {
                let columns = [DemoScreen.pad(name, 14), DemoScreen.pad(source, -14), DemoScreen.pad(destination, -18)]
                screen.result(columns.joined() + "  " + verdict)
            }
            line("table", "source rows", "destination rows", "every value")
            for table in comparison.tables {
                line(
                    table.name, DemoScreen.grouped(table.source.rows), DemoScreen.grouped(table.destination.rows),
                    table.isEqual ? "equal" : "DIFFERS")
            }
        case .json:
            for table in comparison.tables {
                let value: JSONValue = [
                    "table": .string(table.name), "source_rows": .int(table.source.rows),
                    "destination_rows": .int(table.destination.rows), "equal": .bool(table.isEqual),
                ]
                screen.result(JSONWriter.write(value))
            }
        }
    }
}
