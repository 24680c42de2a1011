import Connectors
import Runtime

/// Runs all pipelines side by side, each on threads of its own; one that fails leaves the others running.
struct ApplyRun {
    let observer: any RunObserver
    let stop: StopSignal
    var once = false
    var provisionOnly = false
    var mayDestroy = false

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
            if pipeline.keptFrom == .zero {
                var event = RunEvent(.warning, task: pipeline.capture.name)
                event.message =
                    "a materialization of it is not run and can't be asked how far it is: the source keeps all of its "
                    + "log meanwhile"
                observer.record(event)
            }
            return CaptureRunner(
                capture: pipeline.capture, links: pipeline.links, observer: observer, stop: stop, once: once,
                keptFrom: pipeline.keptFrom, mayDestroy: mayDestroy)
        }
        let outcomes = runners.count == 1 ? [outcome(of: runners[0])] : ThreadGroup.map(runners) { outcome(of: $0) }
        var status = ExitStatus.done
        for outcome in outcomes {
            switch outcome {
            case .success(let stopped): status = stopped.last.map { ExitStatus($0) } ?? status
            case .failure(let error): status = ExitStatus(error)
            }
        }
        var stopped = RunEvent(.stopped)
        stopped.message = status == .done ? (once ? "done" : "on request") : "after an error"
        observer.record(stopped)
        return status
    }

    /// Errors of single links, or what ended the capture. Both are reported as they happen: other pipelines may go on for long.
    private func outcome(of runner: CaptureRunner) -> Result<[RunError], any Error> {
        let outcome = Result { try provisionOnly ? runner.provision() : runner.run() }
        if case .failure(let error) = outcome { _ = report(error) }
        return outcome
    }

    private func report(_ error: any Error) -> ExitStatus {
        var event = RunEvent(.error)
        let known = error as? RunError ?? RunError(.internal, operation: "run", message: "\(error)")
        event.error = known
        event.task = known.task
        event.position = known.position
        observer.record(event)
        return ExitStatus(error)
    }
}
