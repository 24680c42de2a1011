import Connectors
import Glibc
import Postgres

/// The log of one slot, streaming. Used by the capture's thread.
///
/// Acknowledging: only positions that every link has committed are sent. The server hears from us at least every ten
/// seconds, also while a destination makes us wait.
final class StreamSession: CaptureSession {
    /// Idle time after which the checkpoint follows the log although nothing happened, in milliseconds.
    private static let progressInterval: Int64 = 5_000
    private static let statusInterval: Int64 = 1_000
    /// How often the captured tables and the slot are looked at, in milliseconds.
    private static let watchInterval: Int64 = 5_000
    /// Idle time after which the checkpoint's time follows the clock although the log has not grown.
    private static let clockInterval: Int64 = 30_000

    private let replication: Connection
    private let side: Connection
    private let stop: StopSignal
    private let slot: String
    /// Looks after the slot on a connection; whether the server gives it up at its next checkpoint.
    private let watchSlot: (Connection) throws -> Bool
    private var decoder: ChangeDecoder
    private var signalWatch: SignalTableWatch?
    private var signalFile: SignalTail?
    private let notice: (StatusFinding) -> Void

    private var pace = ReadPace()
    private var acknowledged = LogPosition.zero
    private var sentAcknowledgement = LogPosition.zero
    /// Where the log was read from, and how far it has been by the last keepalive between two transactions.
    private let begin: LogPosition
    private var received = LogPosition.zero
    private var sentHandled = LogPosition.zero
    private let sources: [TableSource]
    private let publication: String
    /// By table, as of the last look.
    private var generated: [GeneratedColumns]
    private var lastWatch: Int64 = 0
    private let heartbeat: Heartbeat?
    private var lastBeat: Int64 = 0
    private var lastSlotWatch: Int64 = 0
    private var lastRead: Int64 = 0
    private var lastStatus: Int64 = 0
    private var lastProgress: Int64 = 0
    private var lastProgressRequest: Int64 = 0
    private var isProgressWanted = false
    private var reported = LogPosition.zero
    private var clock = LogClock()

    init(
        replication: Connection, side: Connection, config: PostgresCaptureConfig, sources: [TableSource],
        shapes: [TableShape], storage: StorageWatch, from position: LogPosition, stop: StopSignal,
        watchSlot: @escaping (Connection) throws -> Bool, notice: @escaping (StatusFinding) -> Void
    ) throws {
        self.replication = replication
        self.side = side
        self.stop = stop
        slot = config.slot
        self.watchSlot = watchSlot
        self.sources = sources
        publication = config.publication
        heartbeat = config.heartbeat
        generated = sources.map(\.generated)
        decoder = ChangeDecoder(
            relations: RelationCache(sources: sources, shapes: shapes, connection: side), storage: storage,
            truncate: config.truncate, signalTable: config.sideTables.signalTable?.name)
        signalWatch = config.sideTables.signalTable.map {
            SignalTableWatch(table: $0.name, publication: config.publication)
        }
        signalFile = config.signalFile.map { SignalTail(file: SignalFile(path: $0)) }
        self.notice = notice
        reported = position
        begin = position
        try start(config, position)
        lastStatus = now()
        lastProgress = lastStatus
        lastWatch = lastStatus
    }

    private func start(_ config: PostgresCaptureConfig, _ position: LogPosition) throws {
        // A runner that was killed, or is being fenced off, may hold the slot for a moment more.
        let deadline = now() + 15_000
        while true {
            do {
                try replication.startReplication(
                    slot: config.slot, at: LSN(position.rawValue),
                    options: [("proto_version", "1"), ("publication_names", Identifier(config.publication).quoted)])
                return
            } catch let error as PostgresError where error.sqlState == "55006" && now() < deadline && !stop.isRequested
            {
                wait(milliseconds: 200)
            }
        }
    }

    func read(into batch: ChangeBatch, wait milliseconds: Int, wantsProgress: Bool) throws {
        lastRead = now()
        do {
            try watchTables(batch)
            try beat()
            readSignals(into: batch)
            try readAvailable(into: batch)
            if batch.isEmpty, milliseconds > 0 {
                if wantsProgress { try requestProgress() }
                try replication.waitReadable(milliseconds: milliseconds, wakeDescriptor: stop.descriptor)
                try readAvailable(into: batch)
            }
        } catch let error as PostgresError {
            throw error.asRunError(operation: "read from", object: "slot \"\(slot)\"")
        }
    }

    private func watchTables(_ batch: ChangeBatch) throws {
        guard now() - lastWatch >= StreamSession.watchInterval else { return }
        lastWatch = now()
        try TableWatch.require(sources, side)
        try TableWatch.requirePublished(sources, publication, side)
        try decoder.storage.look()
        if let finding = try signalWatch?.look(side) { notice(finding) }
        try TypeWatch.require(decoder.relations.shapes, side)
        try TableWatch.requireWholePublication(sources, publication, side)
        let generated = try GeneratedColumns.read(sources, side)
        for source in sources {
            let columns = generated[source.oid] ?? GeneratedColumns()
            if let note = columns.note(newSince: self.generated[source.index]) {
                decoder.storage.say(note, decoder.relations.shape(ofTable: source.index), into: batch)
            }
            self.generated[source.index] = columns
            guard let shape = decoder.relations.renew(source.index, columns) else { continue }
            var event = ChangeEvent(.shape)
            event.shape = batch.index(of: shape)
            batch.append(event)
        }
    }

    /// Signals of the file come between two transactions.
    private func readSignals(into batch: ChangeBatch) {
        guard !decoder.isInTransaction else { return }
        for note in signalFile?.read(now: now(), notice: notice) ?? [] {
            var event = ChangeEvent(.signal)
            event.note = batch.add(note.text)
            batch.append(event)
        }
    }

    private func beat() throws {
        guard let heartbeat, now() - lastBeat >= heartbeat.interval else { return }
        lastBeat = now()
        try heartbeat.beat(side)
    }

    /// One read of what has collected, however much that is: the server sends more meanwhile.
    private func readAvailable(into batch: ChangeBatch) throws {
        pace.waitIfBusy()
        _ = try replication.receiveReplication { frame in
            pace.received(frame.count)
            try take(frame, into: batch)
        }
    }

    private func take(_ frame: UnsafeRawBufferPointer, into batch: ChangeBatch) throws {
        guard let kind = frame.first else { return }
        switch kind {
        case UInt8(ascii: "w"):
            // XLogData: start, end, server time, 8 bytes each.
            guard frame.count > 25 else { throw MessageReader.malformed }
            try decoder.decode(UnsafeRawBufferPointer(rebasing: frame[25...]), into: batch)
            if decoder.storage.isWaiting { try pass(decoder.lastCommit, in: batch) }
        case UInt8(ascii: "k"):
            // Keepalive: end of the log as sent, server time, whether an answer is wanted.
            var reader = MessageReader(UnsafeRawBufferPointer(rebasing: frame[1...]))
            let end = LogPosition(try reader.uint64())
            _ = try reader.uint64()
            let wantsReply = try reader.byte() != 0
            try pass(end, in: batch)
            try noteProgress(end, in: batch)
            if wantsReply { try sendStatus(requestReply: false) }
        default:
            throw MessageReader.malformed
        }
    }

    private func pass(_ position: LogPosition, in batch: ChangeBatch) throws {
        guard !decoder.isInTransaction else { return }
        let relations = decoder.relations
        try decoder.storage.passed(position, { relations.shape(ofTable: $0) }, into: batch)
    }

    /// Between two transactions, everything before a keepalive's position has been read.
    private func noteProgress(_ end: LogPosition, in batch: ChangeBatch) throws {
        guard !decoder.isInTransaction, end >= reported, end >= decoder.lastCommit else { return }
        received = max(received, end)
        let idle = now() - lastProgress
        let hasGrown = end > reported && end > decoder.lastCommit
        let isDue = hasGrown && (isProgressWanted || idle >= StreamSession.progressInterval)
        guard isDue || idle >= StreamSession.clockInterval else { return }
        lastProgress = now()
        isProgressWanted = isProgressWanted && !hasGrown
        reported = end
        var event = ChangeEvent(.progress)
        event.position = end
        event.time = try clock.time(at: end, now: lastProgress, side)
        batch.append(event)
    }

    private func requestProgress() throws {
        guard now() - lastProgressRequest >= 20 else { return }
        try sendStatus(requestReply: true)
        isProgressWanted = true
        lastProgressRequest = now()
    }

    func acknowledge(_ position: LogPosition, now isNow: Bool) throws {
        acknowledged = max(acknowledged, position)
        do {
            let time = now()
            if time - lastSlotWatch >= StreamSession.watchInterval {
                lastSlotWatch = time
                if try watchSlot(side), time - lastRead >= StreamSession.watchInterval { throw letGo() }
            }
            let hasNews = acknowledged > sentAcknowledgement || handled > sentHandled
            if isNow || (hasNews && time - lastStatus >= 100)
                || time - lastStatus >= StreamSession.statusInterval
            {
                // A reply says how far the log is, so that an idle slot follows it.
                let isIdle = time - lastProgress >= StreamSession.progressInterval
                try sendStatus(requestReply: isIdle)
            }
        } catch let error as PostgresError {
            throw error.asRunError(operation: "acknowledge on", object: "slot \"\(slot)\"")
        }
    }

    /// A server that gives a slot up ends its reader, and its checkpoint waits for that end. It does not come while what the
    /// server has sent fills the connection, and nobody takes it since a destination takes nothing.
    private func letGo() -> RunError {
        replication.close()
        return RunError(
            .transient, operation: "read from", object: "slot \"\(slot)\"",
            message:
                "the source is about to give the slot up, and a destination takes no changes: the connection is closed, "
                + "so that the source's checkpoint need not wait for it")
    }

    func keepAlive() throws {
        try acknowledge(acknowledged, now: true)
    }

    /// Where every transaction that was read is durable at every destination, what came after them concerned nothing: it
    /// need not wait for checkpoints to be known as handled. The slot's position must.
    private var handled: LogPosition {
        acknowledged >= max(begin, decoder.lastCommit) ? max(acknowledged, received) : acknowledged
    }

    private func sendStatus(requestReply: Bool) throws {
        let handled = handled
        try replication.sendStandbyStatus(
            LSN(acknowledged.rawValue), written: LSN(handled.rawValue), requestReply: requestReply)
        sentAcknowledgement = acknowledged
        sentHandled = handled
        lastStatus = now()
    }

    func close() {
        replication.close()
        side.close()
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    private func wait(milliseconds: Int32) {
        var descriptor = pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, stop.descriptor < 0 ? 0 : 1, milliseconds)
    }
}
