import Foundation
import Postgres

/// A run of the built `flowctl`, whose outputs can be read while it runs. Killed as the object goes away.
public final class FlowctlProcess {
    /// What a run that has ended leaves.
    public struct Outcome: Sendable {
        /// 128 and the signal's number where a signal ended it.
        public var exitCode: Int32
        public var output: String
        public var errors: String
    }

    /// The program beside the tests that run, else the one of the package's debug folder.
    public static var executable: URL {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let places = [own.appending(path: "flowctl"), package.appending(path: ".build/debug/flowctl")]
        return places.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? places[0]
    }

    private let process: ChildProcess
    private let folder: URL

    /// Starts `flowctl` with arguments; `environment` is added to this process's own, `directory` is where it starts.
    public init(_ arguments: [String], environment: [String: String] = [:], directory: URL? = nil) throws {
        folder = TestFolder.place("flowctl-outputs")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let outputs = [folder.appending(path: "output"), folder.appending(path: "errors")]
        for file in outputs { try Data().write(to: file) }
        process = try ChildProcess(
            FlowctlProcess.executable.path, arguments, environment: environment, folder: directory?.path,
            output: .file(outputs[0].path), errors: .file(outputs[1].path))
    }

    deinit {
        process.end(SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }

    /// Runs it to its end; it is killed if that takes longer than `seconds`.
    public static func run(
        _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil, seconds: Double = 180
    ) throws -> Outcome {
        let run = try FlowctlProcess(arguments, environment: environment, directory: directory)
        let code = run.waitForExit(seconds: seconds) ?? run.kill9()
        return Outcome(exitCode: code, output: run.output, errors: run.errors)
    }

    /// All of standard output so far.
    public var output: String { text("output") }

    /// All of standard error so far.
    public var errors: String { text("errors") }

    /// The lines of standard output that are whole.
    public var lines: [String] {
        var all = output.components(separatedBy: "\n")
        all.removeLast()
        return all
    }

    public var isRunning: Bool { !process.hasEnded() }

    /// Presses Ctrl-C.
    public func interrupt() {
        process.signal(SIGINT)
    }

    /// Closes its terminal.
    public func hangUp() {
        process.signal(SIGHUP)
    }

    public func terminate() {
        process.signal(SIGTERM)
    }

    /// Stalls it, as a machine does that is out of memory or a debugger.
    public func pause() {
        process.signal(SIGSTOP)
    }

    public func resume() {
        process.signal(SIGCONT)
    }

    /// Ends it where it stands; its exit code.
    @discardableResult
    public func kill9() -> Int32 { process.end(SIGKILL) }

    /// The exit code; nil if it still runs after `seconds`.
    public func waitForExit(seconds: Double) -> Int32? {
        eventually(seconds: seconds) { process.hasEnded() } ? process.exitCode : nil
    }

    /// Waits until a line of standard output satisfies a condition; nil if none does within `seconds`, or before the end.
    public func waitForLine(seconds: Double, _ isIt: (String) -> Bool) -> String? {
        var found: String?
        _ = eventually(seconds: seconds) {
            let hasEnded = process.hasEnded()
            found = lines.first(where: isIt)
            return found != nil || hasEnded
        }
        return found
    }

    private func text(_ name: String) -> String {
        let data = try? Data(contentsOf: folder.appending(path: name))
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
