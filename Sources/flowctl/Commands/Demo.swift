import ArgumentParser
import Connectors
import Postgres

/// `flowctl demo`: the whole program shown on throwaway servers, with nothing to prepare.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "Run a pipeline between two throwaway servers, under live traffic, and prove that both ends are equal.",
        discussion: """
            EXAMPLES
              flowctl demo
              flowctl demo --seconds 30 --rate 1000   # longer, and busier
              flowctl demo --keep                     # look around with psql, then Ctrl-C

            Starts two servers of the installed Postgres, fills one with a small shop whose data changes all the time, writes \
            a catalog, runs it with 'apply', kills it with -9 on the way, and compares every row of both ends at the same \
            instant without pausing the traffic. The servers are removed at the end, also after Ctrl-C; the catalog stays. \
            A folder whose files you have changed is left as it is: the next free one beside it is taken.
            """)

    @OptionGroup var options: CommonOptions

    @Option(help: "The folder that the catalog is written to.")
    var folder = "flow-demo"

    @Option(help: "Seconds of streaming before the comparison.")
    var seconds = 5

    @Option(help: "Transactions a second that change the shop.")
    var rate = 200

    @Flag(help: "Leave everything running at the end, until Ctrl-C.")
    var keep = false

    func validate() throws {
        guard seconds >= 0, (1...10_000).contains(rate) else {
            throw ValidationError("--seconds can't be negative, and --rate is from 1 to 10000.")
        }
    }

    func run() async throws {
        let command = self
        let isEqual: Bool
        do {
            isEqual = try await Interruption.run { stop in
                try DemoRun(command: command, stop: stop).run()
            }
        } catch {
            let hint = (error as? RunError)?.hint.map { "\nhint: \($0)" } ?? ""
            options.log.write(.error, "error: \(error)\(hint)")
            // A server that can't be made here: no binaries, no room, no user to run it as.
            throw ExitCode((error is PostgresError ? ExitStatus.unavailable : ExitStatus(error)).rawValue)
        }
        // As verify has it: 1 where the ends differ.
        if !isEqual { throw ExitCode(ExitStatus.differences.rawValue) }
    }
}
