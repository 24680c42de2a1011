import Connectors
import Glibc
import JSON

/// Shows how a catalog's tasks stand: once, or every two seconds until it is asked to stop.
struct StatusWatch {
    static let interval: Int32 = 2_000

    let reading: StatusReading
    let form: OutputForm
    let log: Log
    let stop: StopSignal

    /// What to exit with: an endpoint that can't be asked makes it `unavailable`.
    func once() -> ExitStatus {
        let report = reading.read()
        Output.lines(text(report))
        for failure in report.failures { self.log(failure) }
        return report.failures.isEmpty ? .done : .unavailable
    }

    /// On a terminal the screen is drawn anew each time; else the texts follow each other.
    func untilStopped() {
        let isScreen = form == .human && isatty(STDOUT_FILENO) == 1
        var isFirst = true
        while !stop.isRequested {
            let report = reading.read()
            if stop.isRequested { return }
            if isScreen {
                Output.lines("\u{1B}[H\u{1B}[2J" + text(report))
            } else {
                Output.lines((isFirst || form == .json ? "" : "\n") + text(report))
            }
            isFirst = false
            wait()
        }
    }

    private func text(_ report: StatusReport) -> String {
        if form == .json { return JSONWriter.write(report.json) + "\n" }
        let text = StatusText(hasColour: Output.hasColour(STDOUT_FILENO)).text(report)
        return text.isEmpty ? "no task\n" : text
    }

    private func log(_ failure: StatusReport.Failure) {
        log.write(
            .error,
            "flowctl: task \"\(failure.task)\": \(failure.error.description)"
                + (failure.error.hint.map { "; hint: \($0)" } ?? ""))
    }

    private func wait() {
        var descriptor = pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, stop.descriptor < 0 ? 0 : 1, StatusWatch.interval)
    }
}
