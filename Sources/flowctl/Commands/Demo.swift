import ArgumentParser

/// `flowctl demo`: the whole program shown on throwaway servers, with nothing to prepare.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Run a pipeline between two throwaway servers, under live traffic, and prove that both ends are equal.",
        discussion: """
            EXAMPLES
              flowctl demo
              flowctl demo --seconds 30 --rate 1000   # longer, and busier
              flowctl demo --keep                     # look around with psql, then Ctrl-C

            Starts two servers of the installed Postgres, fills one with a small shop whose data changes all the time, writes \
            a catalog, runs it with 'apply', kills it with -9 on the way, and compares every row of both ends at the same \
            instant without pausing the traffic. The servers are removed at the end, also after Ctrl-C; the catalog stays.
            """)

    @Option(help: "The folder that the catalog is written to.")
    var folder = "flow-demo"

    @Option(help: "Seconds of streaming before the comparison.")
    var seconds = 5

    @Option(help: "Transactions a second that change the shop.")
    var rate = 200

    @Flag(help: "Leave everything running at the end, until Ctrl-C.")
    var keep = false

    @Option(name: .shortAndLong, help: "How the comparison is printed: human or json.")
    var output = OutputForm.human

    enum OutputForm: String, ExpressibleByArgument, CaseIterable, Sendable {
        case human, json
    }

    func validate() throws {
        guard seconds >= 0, (1...10_000).contains(rate) else {
            throw ValidationError("--seconds can't be negative, and --rate is from 1 to 10000.")
        }
    }

    func run() async throws {
        let options = self
        let isEqual = try await Interruption.run { stop in
            try DemoRun(options: options, stop: stop).run()
        }
        // As verify has it: 1 where the ends differ.
        if !isEqual { throw ExitCode(1) }
    }
}
