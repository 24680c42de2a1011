import JSON

/// The messages on standard error: as grave as is asked for, as lines or as objects.
struct Log: Sendable {
    var level = LogLevel.info
    var format = LogFormat.text

    /// Whether messages of this level are shown.
    func shows(_ level: LogLevel) -> Bool { level <= self.level }

    /// One message: `text` as it is, or an object of time, level and `members`; the text is the object's message unless
    /// the members have one.
    func write(_ level: LogLevel, _ text: String, _ members: JSONObject = JSONObject()) {
        guard shows(level) else { return }
        guard format == .json else { return Output.log(text) }
        var object = JSONObject()
        object["time"] = .string(Clock.timestamp())
        object["level"] = .string(level.rawValue)
        for member in members.members where member.key != "time" { object[member.key] = member.value }
        if object["message"] == nil { object["message"] = .string(text) }
        Output.log(JSONWriter.write(.object(object)))
    }
}

extension CommonOptions {
    /// What the command logs to.
    var log: Log { Log(level: logLevel, format: logFormat) }
}
