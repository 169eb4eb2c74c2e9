internal import FTSLCore
internal import FTSLKit

/// Watches one session for people and programs: who is lost, who is back, how much went where.
final class SessionMonitor {
    private let log: Log
    /// The endpoint that serves the session now.
    private(set) var peer: String
    private let statusStream: StatusStream?
    private let started = MonotonicClock.now
    private(set) var offline = Duration.zero
    private var lostAt: Instant?
    private var replayedAtLoss: UInt64 = 0
    private(set) var reconnects: UInt64 = 0
    let session: Session

    init(_ session: Session, peer: String, log: Log, statusStream: StatusStream?) {
        self.session = session
        self.peer = peer
        self.log = log
        self.statusStream = statusStream
        tell("connected")
    }

    func lost(_ failure: Failure) {
        lostAt = MonotonicClock.now
        replayedAtLoss = replayed
        if failure.code == .moved { return tell("moved", ["to": .string(failure.text)]) }
        // After the outcome is fixed only the farewell is missing; nobody needs to know.
        if session.outcome == nil {
            let next = session.identity.role == .initiator ? "reconnecting" : "waiting for it"
            log.notice("lost the connection to \(peer) (\(failure.text)); \(next)", fields)
        }
        tell("lost", ["reason": .string(failure.text)])
    }

    /// - Parameter endpoint: where it is served now.
    func back(at endpoint: String? = nil) {
        let hasMoved = endpoint != nil && endpoint != peer
        if let endpoint { peer = endpoint }
        reconnects += 1
        let away = lostAt.map { MonotonicClock.now.since($0) } ?? .zero
        offline += away
        lostAt = nil
        let again = replayed - replayedAtLoss
        if session.outcome == nil, away > .zero {
            let what = hasMoved ? "moved to" : "back with"
            log.notice(
                "\(what) \(peer) after \(Numbers.fixed(away.inSeconds, 3)) s, "
                    + "\(Numbers.bytes(again)) replayed", fields)
        }
        tell("resumed", ["offline": .number(away.inSeconds), "replayed": .integer(again)])
    }

    func closed(_ ending: Ending) {
        if let lostAt { offline += MonotonicClock.now.since(lostAt) }
        lostAt = nil
        tell("closed", ["status": .integer(UInt64(ending.status))])
    }

    func progress() { tell("progress") }

    var isOffline: Bool { lostAt != nil }
    /// Whole seconds since the connection was lost; nil with one, or when it is no longer needed.
    var secondsLost: Int? {
        guard session.outcome == nil else { return nil }
        return lostAt.map { Int(MonotonicClock.now.since($0).inSeconds) }
    }
    var elapsed: Duration { MonotonicClock.now.since(started) }
    var sent: UInt64 { min(session.sendingChannels[0].sentHigh, session.sendingChannels[0].end) }
    var acknowledged: UInt64 {
        min(session.sendingChannels[0].acknowledged, session.sendingChannels[0].end)
    }
    var received: UInt64 { session.receivingChannels[0].bytesReceived }
    var unacknowledged: UInt64 { session.sendingChannels[0].unacknowledged }
    var replayed: UInt64 { session.sendingChannels.reduce(0) { $0 + $1.replayed } }
    var offlineNow: Duration {
        offline + (lostAt.map { MonotonicClock.now.since($0) } ?? .zero)
    }

    private var fields: [String: JSONValue] {
        [
            "session": .string("\(session.identity.id)"), "peer": .string(peer),
            "attachment": .integer(session.highestAttachment.value),
        ]
    }

    private func tell(_ event: String, _ more: [String: JSONValue] = [:]) {
        guard let statusStream else { return }
        var object = fields.merging(more) { $1 }
        object["event"] = .string(event)
        object["sent"] = .integer(sent)
        object["acknowledged"] = .integer(acknowledged)
        object["received"] = .integer(received)
        statusStream.write(object)
    }

    /// The final object of `--summary`.
    func summary(_ ending: Ending, outcome: Outcome?) -> [String: JSONValue] {
        var object = fields
        object["outcome"] = .string(Self.name(of: outcome))
        object["status"] = .integer(UInt64(ending.status))
        object["bytes_sent"] = .integer(sent)
        object["bytes_acknowledged"] = .integer(acknowledged)
        object["bytes_received"] = .integer(received)
        object["digest_sent"] = .string(
            Hexadecimal.of(session.sendingChannels[0].retention.digest))
        object["digest_received"] = .string(
            Hexadecimal.of(session.receivingChannels[0].report.digest))
        object["seconds"] = .number(elapsed.inSeconds)
        object["reconnects"] = .integer(reconnects)
        object["replayed"] = .integer(replayed)
        object["offline_seconds"] = .number(offlineNow.inSeconds)
        if let position = session.sendingChannels[0].stoppedAt {
            object["stopped_at"] = .integer(position)
        }
        return object
    }

    static func name(of outcome: Outcome?) -> String {
        switch outcome {
        case .complete: "complete"
        case .stopped: "stopped"
        // The reader of a peer that had more to say went away.
        case .aborted(let failure, _, _) where failure.code == .stopped: "stopped"
        case .aborted: "truncated"
        case .lost: "unknown"
        case nil: "none"
        }
    }
}
