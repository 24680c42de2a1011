extension ExitStatus {
    /// All exit codes with what they mean, as in docs/cli.md. The last two are those of a second signal.
    static let meanings: [(code: Int32, meaning: String)] = [
        (done.rawValue, "done, or stopped by the first signal"),
        (differences.rawValue, "both ends differ, or a file is not in the style"),
        (changes.rawValue, "there are changes to make"),
        (usage.rawValue, "wrong usage"),
        (catalogInvalid.rawValue, "the catalog is invalid"),
        (unavailable.rawValue, "something outside is not as it must be; the message says what to do"),
        (internalError.rawValue, "a defect of the program"),
        (gaveUp.rawValue, "given up after retries"),
        (130, "ended by a second SIGINT"),
        (143, "ended by a second SIGTERM"),
    ]
}
