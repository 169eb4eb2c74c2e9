package import FTSLCore
package import FTSLTransport
package import NIOCore

/// Keeps a lane or a subscription on a session for as long as it is wanted: a session that ends,
/// because its listener started anew or moved, is followed by the next.
package final class PortClient {
    package struct Settings {
        package var endpoints: [Endpoint]
        package var configuration: InitiatorConfiguration
        package var security: (Endpoint, PeerIdentity?) -> Dialer.Security
        /// Go on for ever when nobody can be reached; otherwise the first failure is the last word.
        package var isPatient: Bool
        /// Be patient once there was a session.
        package var isPersistent = false

        package init(
            endpoints: [Endpoint], configuration: InitiatorConfiguration,
            security: @escaping (Endpoint, PeerIdentity?) -> Dialer.Security = { _, _ in
                .plaintext
            }, isPatient: Bool
        ) {
            self.endpoints = endpoints
            self.configuration = configuration
            self.security = security
            self.isPatient = isPatient
        }
    }

    private let settings: Settings
    private let port: any MessagePort
    private let loop: any EventLoop
    private var driver: InitiatorDriver?
    private var streams: QuietStreams?
    private var alarm: Alarm?
    private var backoff = Backoff()
    private var rng = SystemRandomNumberGenerator()
    private var onFinished: (() -> Void)?
    private var isOver = false
    private var wasAttached = false

    /// Called after each pass of the event loop's work: the port may have effects to drain.
    package var onPass: (() -> Void)?
    /// Nobody can be reached, or nobody may be: no more tries are made.
    package var onFailed: ((Failure) -> Void)?
    package var onAttached: (() -> Void)?
    package var onDetached: ((Failure) -> Void)?

    package init(_ settings: Settings, port: any MessagePort, on loop: any EventLoop) {
        self.settings = settings
        self.port = port
        self.loop = loop
        alarm = Alarm(on: loop) { [weak self] in self?.dial() }
    }

    package func start() { dial() }

    /// The endpoint in use, or tried next.
    package var peer: String {
        (driver?.connectedEndpoint ?? settings.endpoints[0]).description
    }

    package var isAttached: Bool { driver?.initiator.connection != nil }

    /// The port has something to send.
    package func touched() { driver?.portTouched() }

    /// Dials now instead of later.
    package func retryNow() {
        if let driver { driver.retryNow() } else if !isOver { dial() }
    }

    /// Ends the session in peace, then calls back; at once where there is none.
    package func finish(_ body: @escaping () -> Void) {
        guard !isOver else { return body() }
        onFinished = body
        alarm?.cancel()
        guard let driver, let handle = driver.handle, isAttached else { return end() }
        handle.finish(.main)
    }

    /// Ends without waiting for anybody.
    package func abandon() {
        alarm?.cancel()
        isOver = true
        let failure = Failure(.local, .shuttingDown, "no longer wanted")
        driver?.giveUp(failure)
        driver = nil
    }

    private var isPatient: Bool {
        settings.isPatient || settings.isPersistent && wasAttached
    }

    private func dial() {
        guard !isOver else { return }
        var configuration = settings.configuration
        configuration.service = SessionRights.messagesService
        configuration.retryFirst = isPatient
        configuration.linger = .seconds(1)
        let driver = InitiatorDriver(
            endpoints: settings.endpoints, configuration: configuration,
            security: settings.security, on: loop)
        self.driver = driver
        driver.initiator.port = port
        driver.onOpened = { [weak self] in self?.opened($0) ?? QuietStreams($0) }
        driver.onPumped = { [weak self] in self?.onPass?() }
        driver.onEnded = { [weak self] in self?.ended($0, $1) }
        driver.start()
    }

    private func opened(_ handle: SessionHandle) -> any SessionApplication {
        let streams = QuietStreams(handle)
        streams.onAttached = { [weak self] in
            guard let self else { return }
            backoff.reset()
            wasAttached = true
            onAttached?()
        }
        streams.onDetached = { [weak self] in
            guard let self else { return }
            onDetached?($0)
            // The last word of a session that is no longer needed is not waited for.
            if onFinished != nil { end() }
        }
        self.streams = streams
        return streams
    }

    private func ended(_ outcome: Outcome?, _ failure: Failure?) {
        guard !isOver else { return }
        if onFinished != nil { return end() }
        let why =
            failure ?? outcome?.failure
            ?? Failure(.peer, .shuttingDown, "the listener ended the session")
        // A session that was there once says that somebody serves; without one it is their word.
        let mayReturn = outcome != nil || isPatient
        guard mayReturn, !why.code.isPermanent || why.code == .diverged else {
            isOver = true
            onFailed?(why)
            return
        }
        driver = nil
        let pause = backoff.next(using: &rng)
        alarm?.set(for: MonotonicClock.now + pause)
    }

    private func end() {
        guard let finished = onFinished else { return }
        onFinished = nil
        isOver = true
        guard let driver else { return finished() }
        // Where no session ends in peace, nobody else tells it to dial no more.
        driver.giveUp(Failure(.local, .shuttingDown, "no longer wanted"))
        driver.whenQuiet(finished)
    }
}

extension Outcome {
    fileprivate var failure: Failure? {
        switch self {
        case .complete, .stopped: nil
        case .aborted(let failure, _, _), .lost(let failure, _, _): failure
        }
    }
}
