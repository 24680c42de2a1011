import Connectors
import Runtime

/// Runs all pipelines side by side, each on threads of its own; one that fails leaves the others running.
struct ApplyRun {
    let observer: any RunObserver
    let stop: StopSignal
    var once = false
    var provisionOnly = false

    /// Blocks until every pipeline has ended; says what to exit with.
    func run(_ assembly: PipelineAssembly) -> ExitStatus {
        let pipelines: [PipelineAssembly.Pipeline]
        do {
            pipelines = try assembly.pipelines()
        } catch {
            return report(error)
        }
        guard !pipelines.isEmpty else {
            var event = RunEvent(.warning)
            event.message = "nothing to run: no enabled capture feeds an enabled materialization"
            observer.record(event)
            return .done
        }
        var plan = RunEvent(.plan)
        let tables = pipelines.flatMap(\.links).reduce(0) { $0 + $1.spec.bindings.count }
        plan.message =
            "\(pipelines.count) capture(s), \(pipelines.flatMap(\.links).count) materialization(s), \(tables) table(s)"
        observer.record(plan)

        let runners = pipelines.map { pipeline in
            CaptureRunner(
                capture: pipeline.capture, links: pipeline.links, observer: observer, stop: stop, once: once)
        }
        let failures = runners.count == 1 ? [failure(of: runners[0])] : runAll(runners)
        let errors = failures.compactMap { $0 }
        for error in errors.dropLast() { _ = report(error) }
        let status = errors.last.map { report($0) } ?? .done
        var stopped = RunEvent(.stopped)
        stopped.message = status == .done ? (once ? "done" : "on request") : "after an error"
        observer.record(stopped)
        return status
    }

    private func failure(of runner: CaptureRunner) -> (any Error)? {
        do {
            if provisionOnly { try runner.provision() } else { try runner.run() }
            return nil
        } catch {
            return error
        }
    }

    private func runAll(_ runners: [CaptureRunner]) -> [(any Error)?] {
        ThreadGroup.map(runners) { failure(of: $0) }
    }

    private func report(_ error: any Error) -> ExitStatus {
        var event = RunEvent(.error)
        let known = error as? RunError ?? RunError(.internal, operation: "run", message: "\(error)")
        event.error = known
        event.task = known.task
        event.position = known.position
        observer.record(event)
        if observer is JSONEvents {
            Output.log("flowctl: \(known.description)" + (known.hint.map { "; hint: \($0)" } ?? ""))
        }
        return ExitStatus(error)
    }
}
