import CLibPQ
import Glibc

/// Logical streaming (manual, "Streaming Replication Protocol"). The connection must be a replication one.
extension Connection {
    /// The size that libpq's input buffer is brought to before the stream begins.
    ///
    /// libpq reads as much as its buffer holds, 16 KiB at first, and grows it only for a value that does not fit. One large
    /// value makes every later read large, and the walsender, woken less often, cheaper.
    private static let inputBuffer = 1 << 20

    /// Starts to stream a slot from a position, with the plugin's options.
    public func startReplication(slot: String, at position: LSN, options: [(String, String)]) throws {
        try execute("SELECT repeat('x', \(Connection.inputBuffer))")
        let pairs = options.map { "\(Identifier($0.0).quoted) \(Connection.replicationLiteral($0.1))" }
        // The grammar has no empty list.
        let list = pairs.isEmpty ? "" : " (\(pairs.joined(separator: ", ")))"
        let sql: SQL =
            "START_REPLICATION SLOT \(id: slot) LOGICAL \(raw: position.description)\(raw: list)"
        PQclear(try run(sql))
    }

    /// A string of the replication grammar, which knows no escape form: a backslash is one, and only quotes are doubled.
    private static func replicationLiteral(_ value: String) -> String {
        var text = "'"
        for scalar in value.unicodeScalars {
            if scalar == "'" { text.unicodeScalars.append(scalar) }
            text.unicodeScalars.append(scalar)
        }
        return text + "'"
    }

    /// Hands over every replication frame that has arrived, without waiting: its bytes are valid during the call. Returns
    /// whether the socket may have more.
    public func receiveReplication(_ frame: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        let handle = try usable()
        var count = try takeBuffered(handle, frame)
        guard PQconsumeInput(handle) == 1 else { throw PostgresError(operation: "stream", connection: handle) }
        count += try takeBuffered(handle, frame)
        return count > 0
    }

    private func takeBuffered(_ handle: OpaquePointer, _ frame: (UnsafeRawBufferPointer) throws -> Void) throws -> Int {
        var count = 0
        var buffer: UnsafeMutablePointer<CChar>?
        while true {
            let length = PQgetCopyData(handle, &buffer, 1)
            if length > 0, let bytes = buffer {
                defer { PQfreemem(bytes) }
                count += 1
                try frame(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
            } else if length == 0 {
                return count
            } else {
                try drainResults("stream")
                throw PostgresError(
                    operation: "stream", message: "the server ended the stream", isConnectionLost: true)
            }
        }
    }

    /// Sends a standby status update: everything before `position` is flushed and applied, and everything before `written`,
    /// where that is more, is written.
    public func sendStandbyStatus(_ position: LSN, written: LSN? = nil, requestReply: Bool) throws {
        let handle = try usable()
        var message: [UInt8] = [UInt8(ascii: "r")]
        message.reserveCapacity(34)
        let written = max(written?.rawValue ?? 0, position.rawValue)
        for value in [written, position.rawValue, position.rawValue, Connection.clock()] {
            withUnsafeBytes(of: value.bigEndian) { message.append(contentsOf: $0) }
        }
        message.append(requestReply ? 1 : 0)
        let isSent = message.withUnsafeBytes { bytes in
            PQputCopyData(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count)) == 1
        }
        guard isSent, PQflush(handle) >= 0 else { throw PostgresError(operation: "send status", connection: handle) }
    }

    /// Microseconds since 2000-01-01.
    private static func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec - 946_684_800) * 1_000_000 + UInt64(time.tv_nsec / 1000)
    }
}
