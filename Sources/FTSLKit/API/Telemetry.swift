internal import FTSLCore
internal import FTSLTransport
internal import Logging
internal import Metrics

/// What a `Server` says to the application's logger and counts in its metrics.
///
/// The metrics have the names of `ftsl listen --metrics`, and go to the application's
/// `MetricsSystem` unless another factory is given.
struct ServerTelemetry {
    private let logger: Logger?
    private let sessions: Meter
    private let opened: Counter
    private let ended: Counter
    private let reconnects: Counter
    private let disconnects: Counter
    private let pause: Metrics.Timer

    init(_ logger: Logger?, _ given: (any MetricsFactory)?) {
        self.logger = logger
        let factory = given ?? MetricsSystem.factory
        sessions = Meter(label: MetricName.sessions.rawValue, factory: factory)
        opened = Counter(label: MetricName.opened.rawValue, factory: factory)
        ended = Counter(label: MetricName.ended.rawValue, factory: factory)
        reconnects = Counter(label: MetricName.reconnects.rawValue, factory: factory)
        disconnects = Counter(label: MetricName.disconnects.rawValue, factory: factory)
        pause = Metrics.Timer(label: MetricName.pause.rawValue, factory: factory)
    }

    /// - Parameter count: Sessions that are there after it.
    func observe(_ event: AcceptorEvent, sessions count: Int) {
        switch event {
        case .confirmed(let id):
            opened.increment()
            sessions.set(count)
            logger?.debug("session opened", metadata: ["session": "\(id)"])
        case .attached(let id, _, resumed: true):
            reconnects.increment()
            logger?.info("session resumed", metadata: ["session": "\(id)"])
        case .detached(let id, let failure):
            disconnects.increment()
            logger?.info(
                "connection lost",
                metadata: [
                    "session": "\(id)", "code": "\(failure.code.name)",
                    "reason": "\(failure.text)",
                ])
        case .ended(let id, let outcome):
            ended.increment()
            sessions.set(count)
            let level: Logger.Level = outcome.isGood ? .debug : .notice
            logger?.log(
                level: level, "session ended",
                metadata: ["session": "\(id)", "outcome": "\(outcome)"])
        case .adopted, .departed: sessions.set(count)
        case .attached, .close, .activity, .wrote, .forgotten: break
        }
    }

    func refused(_ failure: Failure, from source: String) {
        logger?.notice(
            "connection refused",
            metadata: [
                "peer": "\(source)", "code": "\(failure.code.name)", "reason": "\(failure.text)",
            ])
    }

    func moved(_ move: Server.Move, to target: String) {
        pause.recordNanoseconds(Int64(move.pause.wholeNanoseconds))
        logger?.notice(
            "moved",
            metadata: [
                "target": "\(target)", "sessions": "\(move.sessions)", "pause": "\(move.pause)",
            ])
    }

    func stayed(_ error: FTSLError) {
        logger?.error("not moved", metadata: Self.metadata(error))
    }

    fileprivate static func metadata(_ error: FTSLError) -> Logger.Metadata {
        ["code": "\(error.code.name)", "reason": "\(error.text)"]
    }
}

/// The same for a `Messenger`.
struct MessengerTelemetry {
    private let logger: Logger?
    private let stored: Counter
    private let accepted: Counter
    private let rejected: Counter
    private let disconnects: Counter

    init(_ logger: Logger?, _ given: (any MetricsFactory)?, to destination: String) {
        var own = logger
        own?[metadataKey: "destination"] = "\(destination)"
        self.logger = own
        let factory = given ?? MetricsSystem.factory
        stored = Counter(label: "ftsl_messages_stored_total", factory: factory)
        accepted = Counter(label: MetricName.accepted.rawValue, factory: factory)
        rejected = Counter(label: MetricName.rejected.rawValue, factory: factory)
        disconnects = Counter(label: MetricName.disconnects.rawValue, factory: factory)
    }

    func submitted() { stored.increment() }

    /// - Parameters:
    ///   - count: Messages of which it is known now what became of them.
    ///   - exceptions: Those of them that were not accepted.
    func resolved(_ count: UInt64, _ exceptions: Int) {
        accepted.increment(by: Int(clamping: count) - min(exceptions, Int(clamping: count)))
        guard exceptions > 0 else { return }
        rejected.increment(by: exceptions)
        logger?.warning("messages not accepted", metadata: ["count": "\(exceptions)"])
    }

    func waits(_ failure: Failure) {
        disconnects.increment()
        logger?.info(
            "not connected",
            metadata: ["code": "\(failure.code.name)", "reason": "\(failure.text)"])
    }

    func ended(_ error: FTSLError) {
        logger?.error("delivery has ended", metadata: ServerTelemetry.metadata(error))
    }
}
