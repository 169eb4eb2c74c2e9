internal import FTSLCore
internal import NIOCore

/// The client that must notice nothing: it says a little all the time and expects to hear it back.
final class HonestClient {
    private let initiator: Initiator
    var connection: ConnectionID?
    private var own = ConnectionID(0)
    private var said: UInt64 = 0
    private var heard: UInt64 = 0
    private var served: UInt64 = 0
    private var toAcceptor: [ByteBuffer] = []

    init() {
        var configuration = InitiatorConfiguration()
        configuration.limits = SessionLimits(
            initialWindow: 65_536, heartbeat: .seconds(1), sessionTimeout: .seconds(60))
        configuration.maxWindow = 65_536
        initiator = Initiator(configuration: configuration, rng: FuzzRandom(seed: 2))
    }

    var id: SessionID? { initiator.session?.identity.id }
    var deadline: Instant { initiator.deadline }

    func open(_ acceptor: Acceptor, now: Instant) throws(Broken) {
        initiator.start(now: now)
        guard case .dial(let id, _)? = initiator.nextEvent() else {
            throw Broken("the honest client does not dial")
        }
        own = id
        initiator.connected(id, now: now)
        try drain(now: now)
        try deliver(to: acceptor, now: now)
    }

    func say(now: Instant) {
        guard let session = initiator.session, session.room(on: .main) >= 3 else { return }
        session.write(ByteBuffer(string: "hey"), to: .main)
        said += 3
        initiator.touched(now: now)
    }

    func deliver(to acceptor: Acceptor, now: Instant) throws(Broken) {
        guard let connection else { return }
        initiator.transmit(own, into: &toAcceptor, limit: 64 << 10, now: now)
        try drain(now: now)
        let bytes = toAcceptor
        toAcceptor = []
        for buffer in bytes { acceptor.receive(connection, buffer, now: now) }
    }

    func collect(from acceptor: Acceptor, now: Instant) throws(Broken) {
        guard let connection else { return }
        var out: [ByteBuffer] = []
        acceptor.transmit(connection, into: &out, limit: 64 << 10, now: now)
        for buffer in out { initiator.receive(own, buffer, now: now) }
        try drain(now: now)
    }

    func handleTimeout(now: Instant) { initiator.handleTimeout(now: now) }

    /// The service's side: everything that was taken goes back.
    func serve(_ session: Session) throws(Broken) {
        let taken = session.receivingChannels[0].taken
        let back = min(Int(taken - served), session.room(on: .main))
        guard back > 0 else { return }
        session.write(ByteBuffer(repeating: 0x68, count: back), to: .main)
        served += UInt64(back)
    }

    func check() throws(Broken) {
        guard id != nil else { return }
        try hold(said - served <= 3, "\(served) of \(said) honest bytes reached the service")
        try hold(served - heard <= 3, "\(heard) of \(served) bytes came back")
    }

    private func drain(now: Instant) throws(Broken) {
        while let event = initiator.nextEvent() {
            switch event {
            case .opened, .attached: break
            case .activity:
                while let inner = initiator.session?.nextEvent() {
                    if case .data(let channel, let bytes) = inner {
                        heard += UInt64(bytes.readableBytes)
                        initiator.session?.took(bytes.readableBytes, from: channel, now: now)
                    }
                }
            case .dial, .close, .detached, .waiting, .ended:
                throw Broken("the honest client was disturbed: \(event)")
            }
        }
    }
}
