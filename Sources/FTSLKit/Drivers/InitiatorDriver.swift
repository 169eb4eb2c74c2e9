package import FTSLCore
package import FTSLTransport
package import NIOCore

/// Runs an `Initiator` on an event loop: dials, carries bytes, rings its alarm.
package final class InitiatorDriver {
    package let initiator: Initiator
    package private(set) var handle: SessionHandle?
    /// Called once, when the session exists; returns what runs on it.
    package var onOpened: ((SessionHandle) -> any SessionApplication)?
    /// The next dial is this far away.
    package var onWaiting: ((Duration, Failure) -> Void)?
    /// Nothing more will happen.
    package var onEnded: ((Outcome?, Failure?) -> Void)?

    /// Called after each pass: the session's port may have asked for something.
    package var onPumped: (() -> Void)?

    private let endpoints: [Endpoint]
    /// How each endpoint is spoken to; with an identity: the session's, which must be met again.
    private let security: (Endpoint, PeerIdentity?) -> Dialer.Security
    private var boundTo: PeerIdentity?
    /// Who is at the other end, as far as the transport has verified it.
    package var peer: PeerIdentity { boundTo ?? .plaintext }
    private let loop: any EventLoop
    private var connections: [ConnectionID: TransportConnection] = [:]
    private var closing: Set<ConnectionID> = []
    private var onQuiet: (() -> Void)?
    private var alarm: Alarm?
    private var isPumping = false
    private var application: (any SessionApplication)?
    private var network: NetworkChanges?

    package init(
        endpoints: [Endpoint], configuration: InitiatorConfiguration,
        security: @escaping (Endpoint, PeerIdentity?) -> Dialer.Security = { _, _ in .plaintext },
        on loop: any EventLoop
    ) {
        self.security = security
        var configuration = configuration
        configuration.endpointCount = endpoints.count
        initiator = Initiator(configuration: configuration, rng: SystemRandomNumberGenerator())
        self.endpoints = endpoints
        self.loop = loop
    }

    package func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        // Most of a command's life is over by then, and a watch costs threads.
        loop.scheduleTask(in: .seconds(1)) { bound.value.watchNetwork() }
        alarm = Alarm(on: loop) { [weak self] in
            guard let self else { return }
            initiator.handleTimeout(now: MonotonicClock.now)
            pump()
        }
        initiator.start(now: MonotonicClock.now)
        pump()
    }

    /// Dials now instead of later.
    package func retryNow() {
        initiator.retryNow(now: MonotonicClock.now)
        pump()
    }

    /// The session's port has something to send.
    package func portTouched() {
        guard !isPumping else { return }
        initiator.touched(now: MonotonicClock.now)
        pump()
    }

    private func watchNetwork() {
        guard !initiator.isEnded else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        network = NetworkChanges(on: loop) { bound.value.networkChanged() }
    }

    /// A connection whose address is gone is given up now, not after 2.5 heartbeats.
    private func networkChanged() {
        guard !initiator.isEnded else { return }
        if let id = initiator.connection, connections[id]?.isStranded == true {
            initiator.detachRequested(
                Failure(.local, .unreachable, "this machine's address changed"),
                now: MonotonicClock.now)
            pump()
        }
        retryNow()
    }

    /// Ends for good without waiting for anybody.
    package func giveUp(_ failure: Failure) {
        initiator.giveUp(failure)
        pump()
    }

    /// The endpoint that carries the session now, or will be dialled next.
    package var connectedEndpoint: Endpoint? { current.flatMap { place($0)?.endpoint } }
    private var current: Int?

    /// An endpoint of ours, or one that a host of the session has named, and the key to meet.
    private func place(_ index: Int) -> (endpoint: Endpoint, key: String)? {
        if endpoints.indices.contains(index) { return (endpoints[index], "") }
        guard let learned = initiator.learnedEndpoint(index),
            let endpoint = try? Endpoint(parsing: learned.endpoint, for: .connect)
        else { return nil }
        return (endpoint, learned.key)
    }

    /// Calls back once no connection is open any more: what was sent has arrived, or never will.
    package func whenQuiet(_ body: @escaping () -> Void) {
        onQuiet = body
        tellQuiet()
    }

    private func tellQuiet() {
        guard connections.isEmpty, closing.isEmpty, let tell = onQuiet else { return }
        onQuiet = nil
        tell()
    }

    // MARK: The loop: drain every effect before the next input

    private func pump() {
        // Calls from below arrive while events are handled, before anything is transmitted.
        guard !isPumping else { return }
        isPumping = true
        repeat {
            while let event = initiator.nextEvent() {
                handle(event)
                if !initiator.hasEvents { initiator.touched(now: MonotonicClock.now) }
            }
            transmit()
        } while initiator.hasEvents
        isPumping = false
        if initiator.isEnded { alarm?.cancel() } else { alarm?.set(for: initiator.deadline) }
        onPumped?()
    }

    private func handle(_ event: InitiatorEvent) {
        switch event {
        case .dial(let id, let endpoint): dial(id, endpoint)
        case .close(let id, _):
            if let connection = connections.removeValue(forKey: id) {
                // Before the last word: a write that fails closes the connection at once.
                closing.insert(id)
                flush(id, connection)
                connection.finish()
            }
        case .opened:
            guard let session = initiator.session else { return }
            let handle = SessionHandle(session: session) { [weak self] _ in
                guard let self, !isPumping else { return }
                initiator.touched(now: MonotonicClock.now)
                pump()
            }
            self.handle = handle
            boundTo = initiator.connection.flatMap { connections[$0]?.identity }
            application = onOpened?(handle)
            handle.application = application
        case .attached(let id, let resumed):
            boundTo = connections[id]?.identity
            application?.attached(resumed: resumed)
        case .detached(let failure): application?.detached(failure)
        case .waiting(let delay, let failure): onWaiting?(delay, failure)
        case .activity:
            handle?.drain { [initiator] in
                initiator.detachRequested($0, now: MonotonicClock.now)
            }
        case .ended(let outcome, let failure):
            network?.cancel()
            network = nil
            onEnded?(outcome, failure)
        }
    }

    private func dial(_ id: ConnectionID, _ endpoint: Int) {
        guard let place = place(endpoint) else {
            let text = "a host has named an endpoint that is none"
            initiator.dialFailed(
                id, Failure(.peer, .hostUnknown, text), now: MonotonicClock.now)
            return
        }
        current = endpoint
        let heartbeat = initiator.session?.identity.limits.heartbeat ?? .seconds(3)
        let dialled = Dialer.dial(
            place.endpoint, as: id, security: security(at: place.endpoint, key: place.key),
            delegate: self, userTimeout: heartbeat * 5 / 2, on: loop)
        dialled.assumeIsolated().whenComplete { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let connection): connected(id, connection)
            case .failure(let error as BrokenHandshake):
                initiator.handshakeBroke(id, error.failure, now: MonotonicClock.now)
            case .failure(let error):
                let failure = error as? Failure ?? TransportFailure.of(error)
                initiator.dialFailed(id, failure, now: MonotonicClock.now)
            }
            pump()
        }
    }

    /// A host of the session vouches for the key of the next. [FTSL §10.7]
    private func security(at endpoint: Endpoint, key: String) -> Dialer.Security {
        let usual = security(endpoint, boundTo)
        guard !key.isEmpty, case .tls(let credentials, _) = usual else { return usual }
        return .tls(credentials) { met in
            guard "\(met)" != key else { return nil }
            return Failure(.peer, .peerChanged, "met \(met) where \(key) should be")
        }
    }

    /// A session is never resumed with somebody else, nor on a weaker connection. [FTSL §4.7]
    private func connected(_ id: ConnectionID, _ connection: TransportConnection) {
        let vouched = current.flatMap { place($0)?.key } ?? ""
        let isVouched = !vouched.isEmpty && connection.identity.description == vouched
        if let boundTo, connection.identity != boundTo, !(boundTo.isVerified && isVouched) {
            connection.close()
            let text = "met \(connection.identity) instead of \(boundTo)"
            initiator.dialFailed(
                id, Failure(.peer, .peerChanged, text), now: MonotonicClock.now)
            return
        }
        connections[id] = connection
        initiator.connected(
            id, isVerified: connection.identity.isVerified, now: MonotonicClock.now)
    }

    private func transmit() {
        for (id, connection) in connections { flush(id, connection) }
    }

    private func flush(_ id: ConnectionID, _ connection: TransportConnection) {
        let now = MonotonicClock.now
        var count = Pump.chunk
        // Less than a chunk: there was no more.
        while count >= Pump.chunk, connection.isWritable {
            var out: [ByteBuffer] = []
            initiator.transmit(id, into: &out, limit: Pump.chunk, now: now)
            guard !out.isEmpty else { return }
            count = out.reduce(0) { $0 + $1.readableBytes }
            connection.send(out)
        }
    }
}

/// Amounts of the drivers' loops.
enum Pump {
    /// One vectored write: large enough for throughput, small enough to stay in the cache.
    static let chunk = 256 << 10
}

extension InitiatorDriver: TransportDelegate {
    package func connection(_ id: ConnectionID, isWith identity: PeerIdentity) {}
    package func connectionLacksTLS(_ id: ConnectionID) {}

    package func connection(_ id: ConnectionID, received bytes: ByteBuffer) {
        initiator.receive(id, bytes, now: MonotonicClock.now)
        pump()
    }

    package func connectionIsWritable(_ id: ConnectionID) { pump() }

    package func connection(_ id: ConnectionID, closed failure: Failure?) {
        connections[id] = nil
        closing.remove(id)
        initiator.closed(id, failure, now: MonotonicClock.now)
        pump()
        tellQuiet()
    }
}
