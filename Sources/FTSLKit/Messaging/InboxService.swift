package import FTSLCore
package import FTSLStore
package import NIOCore
internal import NIOPosix

/// Serves an inbox on an acceptor's sessions: joins the inbox's machines with its file.
package final class InboxService: SessionService {
    package struct Refused: Error {
        package var text: String
    }

    private let queue = InboxQueue()
    private let consumers: ConsumerHost
    private let host: InboxHost
    private let loop: any EventLoop
    private let permissions: (PeerIdentity) -> InboxPermissions
    private var ports: [SessionID: InboxPort] = [:]
    private weak var driver: AcceptorDriver?
    private var alarm: Alarm?
    private var isPassing = false
    private let answers: Answers
    /// Called with the time that a change took to be on the disk.
    package var onStored: ((Duration) -> Void)?
    private var askedAt: [StoreRequestID: Instant] = [:]
    package let store: InboxStore

    /// Carries answers from the store's threads to the loop, all that wait in one hop.
    private final class Answers: Sendable {
        let loop: any EventLoop
        let service: NIOLoopBoundBox<InboxService?>

        init(_ loop: any EventLoop) {
            self.loop = loop
            service = NIOLoopBoundBox(nil, eventLoop: loop)
        }

        func deliver(_ answers: [InboxStore.Answer]) {
            loop.execute { [service] in service.value?.answered(answers) }
        }
    }

    /// Opens the file and is its only host from here on. Throws `StoreFailure`.
    package init(
        _ path: String, _ options: InboxOptions,
        permissions: @escaping (PeerIdentity) -> InboxPermissions = { _ in .everything },
        on loop: any EventLoop
    ) throws {
        let answers = Answers(loop)
        store = try InboxStore(path, options) { answers.deliver($0) }
        consumers = ConsumerHost(identity: store.identity, queue: queue)
        host = InboxHost(
            identity: store.identity, limits: options.limits, queue: queue, consumers: consumers)
        self.permissions = permissions
        self.loop = loop
        self.answers = answers
        answers.service.value = self
        alarm = Alarm(on: loop) { [weak self] in
            guard let self else { return }
            host.handleTimeout(now: MonotonicClock.now)
            pass()
        }
    }

    /// Makes an acceptor's sessions for messages this inbox's.
    package func serve(on driver: AcceptorDriver) {
        self.driver = driver
        driver.acceptor.makePort = { [weak self] in self?.makePort($0, $1) }
        driver.onPumped = { [weak self] in self?.pass() }
    }

    package var laneCount: Int { host.laneCount }
    package var counts: InboxCounts { host.counts }

    private func makePort(_ session: SessionID, _ identity: PeerIdentity) -> any MessagePort {
        let port = host.makePort(
            session: session, owner: "\(identity)", permissions: permissions(identity))
        ports[session] = port
        return port
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        // Nothing is ever said on its streams.
        handle.finish(.main)
        return QuietStreams(handle)
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {
        ports.removeValue(forKey: handle.id)?.ended(now: MonotonicClock.now)
        pass()
    }

    /// Makes durable what was asked, lets the file go, and calls back.
    package func close(_ body: @escaping () -> Void) {
        alarm?.cancel()
        let bound = NIOLoopBound(body, eventLoop: loop)
        let (store, loop, answers) = (store, loop, answers)
        answers.service.value = nil
        NIOThreadPool.singleton.submit { _ in
            store.close()
            loop.execute { bound.value() }
        }
    }

    // MARK: The loop

    private func pass() {
        guard !isPassing else { return }
        isPassing = true
        // Ports that are told something may ask for more.
        while submit() || wake() {}
        isPassing = false
        if host.deadline < .distantFuture { alarm?.set(for: host.deadline) }
    }

    private func submit() -> Bool {
        var requests: [InboxStore.Request] = []
        while let request = host.nextRequest() {
            requests.append(request)
            if onStored != nil, case .change = request.request {
                askedAt[request.id] = MonotonicClock.now
            }
        }
        guard !requests.isEmpty else { return false }
        store.submit(requests) { [weak self] in self?.answered($0) }
        return true
    }

    private func wake() -> Bool {
        let awake = host.takeAwake()
        driver?.portsTouched(awake)
        return !awake.isEmpty
    }

    private func answered(_ answers: [InboxStore.Answer]) {
        let now = MonotonicClock.now
        for answer in answers {
            if let asked = askedAt.removeValue(forKey: answer.id) { onStored?(now.since(asked)) }
        }
        for answer in answers { host.reply(answer.id, answer.reply, now: now) }
        pass()
    }
}
