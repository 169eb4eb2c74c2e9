internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// `ftsl connect --local`: each plain client gets a session of its own.
final class LocalForwarder {
    private let local: Endpoint
    private let endpoints: [Endpoint]
    private let options: ConnectOptions
    private let global: GlobalOptions
    private let log: Log
    private let security: ConnectSecurity
    private var running: [ObjectIdentifier: InitiatorDriver] = [:]
    private var signals: SignalWatcher?
    private var interruptedBy: Int32?

    init(
        _ local: Endpoint, to endpoints: [Endpoint], options: ConnectOptions,
        global: GlobalOptions, log: Log
    ) throws {
        security = try ConnectSecurity(options.trust, endpoints, log: log)
        self.local = local
        self.endpoints = endpoints
        self.options = options
        self.global = global
        self.log = log
    }

    func start(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP, SIGUSR1], on: loop) {
            bound.value.received(signal: $0, on: loop)
        }
        PlainChannel.listen(local, on: loop) { [unowned self] in accepted($0, on: loop) }
            .assumeIsolated().whenComplete { [unowned self] result in
                switch result {
                case .success(let endpoint): log.notice("listening on \(endpoint)")
                case .failure(let error):
                    let reason = (error as? Failure)?.text ?? "\(error)"
                    ProcessEnd.with(
                        Ending(.unreachable, "cannot listen on \(local): \(reason)"), log)
                }
            }
    }

    private func accepted(_ pipe: ChannelPipe, on loop: any EventLoop) {
        let driver = InitiatorDriver(
            endpoints: endpoints, configuration: options.configuration,
            security: security.security, on: loop)
        let key = ObjectIdentifier(driver)
        running[key] = driver
        let peer = endpoints.map(\.description).joined(separator: ",")
        var client: Plumbing?
        driver.onOpened = { [unowned self] handle in
            let plumbing = Plumbing(handle)
            client = plumbing
            plumbing.attach(sink: pipe, to: .main)
            plumbing.attach(source: pipe, to: .main)
            if handle.session.identity.flags.contains(.standardError) {
                plumbing.attach(
                    sink: DescriptorSink(descriptor: 2, ending: .leaveOpen, on: loop),
                    to: .standardError)
            }
            let monitor = SessionMonitor(handle.session, peer: peer, log: log, statusStream: nil)
            plumbing.onDetached = { monitor.lost($0) }
            plumbing.onAttached = { if $0 { monitor.back() } }
            return plumbing
        }
        driver.onEnded = { [unowned self] outcome, failure in
            if client == nil {
                pipe.fail()
                log.error("cannot connect to \(peer): \(failure?.text ?? "nothing happened")")
            } else if let outcome {
                let ending = SessionVerdict(outcome: outcome, peer: peer).ending
                if let sentence = ending.sentence { log.error(sentence) }
            }
            // Not now: the driver is still on the stack.
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.execute { bound.value.forget(key) }
        }
        driver.start()
    }

    private func forget(_ key: ObjectIdentifier) {
        guard let driver = running[key] else { return }
        driver.whenQuiet { [self] in
            running[key] = nil
            if let interruptedBy, running.isEmpty {
                ProcessEnd.with(Ending(status: ExitStatus.signal(interruptedBy)), log)
            }
        }
    }

    private func received(signal number: Int32, on loop: any EventLoop) {
        switch number {
        case SIGHUP: for driver in running.values { driver.retryNow() }
        case SIGUSR1: log.notice("\(running.count) sessions")
        default:
            guard interruptedBy == nil, !running.isEmpty else {
                ProcessEnd.with(Ending(status: ExitStatus.signal(number)), log)
            }
            interruptedBy = number
            for driver in running.values {
                driver.handle?.abort(
                    Failure(.local, .shuttingDown, "interrupted by signal \(number)"))
            }
            let amount = TimeAmount.nanoseconds(
                Int64(global.drainTimeout.duration.wholeNanoseconds))
            let log = log
            loop.scheduleTask(in: amount) {
                ProcessEnd.with(Ending(status: ExitStatus.signal(number)), log)
            }
        }
    }
}
