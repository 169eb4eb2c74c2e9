internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// `ftsl listen`: one acceptor, one service, one ending.
final class Listener {
    let endpoint: Endpoint
    private let backend: Endpoint?
    let options: ListenOptions
    let global: GlobalOptions
    let log: Log
    let gate: ClientGate
    /// Nil on loopback as long as no identity can be had: plaintext goes on.
    var credentials: TLSCredentials?
    var driver: AcceptorDriver?
    var listening: TransportListener?
    var inbox: InboxService?
    var stdio: StdioService?
    var exec: ExecService?
    var signals: SignalWatcher?
    var stoppedBy: Int32?
    var finalEnding: (SessionID, Ending)?
    private var refusals = Refusals()
    private let statusStream: StatusStream?
    /// What the last program of this process has left; nil: it began with this one.
    let inheritance: RestartImage?
    /// The path of this program; another one may be there by now.
    let program = Successor.ofThisProcess()
    /// The socket beside the inbox.
    var local: TransportListener?
    var control: ListenerControl?
    /// What moves this listener's sessions; nil: they stay.
    var migration: (any MigrationControl)?
    var host: MigrationHost?
    private(set) lazy var records = makeRecords()
    /// It stays only until nobody is left here.
    var isRetiring = false
    var loop: (any EventLoop)?
    /// Who started this as a service.
    var manager: ServiceManager?
    /// A socket at the endpoint that somebody else has made.
    var inherited: CInt?
    var metricsEndpoint: Endpoint?
    var metricsServer: MetricsServer?
    /// Nil: nobody wants to see them.
    private(set) var metrics: ListenerMetrics?

    init(
        _ endpoint: Endpoint, backend: Endpoint?, options: ListenOptions, global: GlobalOptions,
        log: Log, inheritance: RestartImage? = nil
    ) throws {
        self.inheritance = inheritance
        let store = TrustStore.ofThisUser
        let mustHaveTLS = !endpoint.isLoopback && !options.insecure
        let own: Fingerprint?
        do {
            (credentials, own) = try options.certificates.credentialsAndKey(store)
        } catch {
            // On loopback a folder that cannot be written is no reason not to serve plaintext.
            if mustHaveTLS || options.certificates.isGiven { throw error }
            log.info("no TLS: \((error as? Ending)?.sentence ?? "\(error)")")
            own = nil
        }
        gate = ClientGate(
            store: store, own: own, requiresTrust: mustHaveTLS, log: log)
        if mustHaveTLS, !options.certificates.isGiven, gate.knowsNobody {
            throw Ending(
                .configuration,
                "nobody is trusted to come to \(endpoint); say who with 'ftsl key trust' or "
                    + "--tls-ca, or let everybody in with --insecure")
        }
        self.endpoint = endpoint
        self.backend = backend
        self.options = options
        self.global = global
        self.log = log
        statusStream = options.statusFd.map { StatusStream(descriptor: $0) }
    }

    func start(on loop: any EventLoop) {
        self.loop = loop
        if metricsEndpoint != nil { metrics = ListenerMetrics(self) }
        watchSignals(on: loop)
        control = openControl(on: loop)
        var configuration = options.configuration
        finishArrivals()
        let inbox = openInbox(on: loop)
        self.inbox = inbox
        let service = makeService(&configuration, on: loop)
        // A connection, for a forward its backend too, for a command pipes, a probe and a state.
        let perSession = options.exec != nil ? 7 : options.isStdio ? 1 : 2
        configuration.fit(descriptors: DescriptorLimit.raise(), perSession: perSession)
        let driver = AcceptorDriver(
            configuration: configuration, service: service, inbox: inbox, on: loop)
        self.driver = driver
        inbox?.serve(on: driver)
        driver.controls = control?.makeService(on: loop)
        driver.onEvent = { [unowned self] in observe($0, on: loop) }
        driver.onRefused = { [unowned self] in refused($0, $1) }
        driver.rights = { [unowned self] in gate.rights(of: $0) }
        openMigration(service, on: loop)
        takeOver()
        let security = TransportListener.Security(
            credentials: { [unowned self] in credentials },
            allowsPlaintext: endpoint.isLoopback || options.insecure)
        watchTrust(on: loop)
        let socket = inheritance?.descriptors[.listener] ?? inherited
        let binding = driver.listen(on: endpoint, security: security, inherited: socket)
            .assumeIsolated()
        binding.whenComplete { [unowned self] result in
            switch result {
            case .success(let listener):
                listening = listener
                host?.settings.endpoints = ["\(listener.endpoint)"]
                listenLocally(security) { [unowned self] in
                    control?.takeDefaultName(of: listener.endpoint)
                    openMetrics(on: loop) { [unowned self] in
                        announce(listener.endpoint)
                        tookOver()
                        tellReady(on: loop)
                    }
                }
            case .failure(let error):
                let reason = (error as? Failure)?.text ?? "\(error)"
                end(Ending(.unreachable, "cannot listen on \(endpoint): \(reason)"))
            }
        }
    }

    private func makeService(
        _ configuration: inout AcceptorConfiguration, on loop: any EventLoop
    ) -> any SessionService {
        if let backend {
            var forwarding = ForwardService.Options()
            forwarding.reconnects = options.moves.forwardMigrate == .reconnect
            let service = ForwardService(to: backend, options: forwarding, on: loop)
            service.onEnded = { [unowned self] in sessionEnded($0, $1) }
            return service
        }
        if let command = options.exec {
            configuration.flags.formUnion(ExecService.flags(options.commands.options))
            let service: ExecService
            do {
                service = try ExecService(
                    command, options: options.commands.options,
                    inheritance: inheritance?.service, on: loop)
            } catch {
                end(Ending(.internalError, error.text))
            }
            if let trouble = service.folderTrouble {
                log.notice("no session can move: \(trouble)")
            }
            service.onEnded = { [unowned self] in sessionEnded($0, $1) }
            service.onFailure = { [unowned self] in log.error($0) }
            exec = service
            return service
        }
        let service = StdioService(
            keepOpen: options.keepOpen, sync: options.fsync, log: log,
            statusStream: statusStream, on: loop)
        service.onDone = { [unowned self] in stdioEnded($0, $1, on: loop) }
        stdio = service
        return service
    }

    private func announce(_ bound: Endpoint) {
        // Whoever waited for it was told by the last program.
        guard inheritance == nil else { return }
        if options.insecure, !bound.isLoopback {
            log.notice("accepting plaintext from everybody who can reach \(bound)")
        }
        log.notice("listening on \(bound)", ["endpoint": .string("\(bound)")])
        guard let descriptor = options.readyFd else { return }
        if !RawOutput.write("\(bound)\n", to: descriptor) {
            end(Ending(.usage, "--ready-fd \(descriptor): \(String(cString: strerror(errno)))"))
        }
        if descriptor > 2 { close(descriptor) }
    }

    // MARK: Trust

    /// Keys are looked at once a heartbeat, so that a revoked one is out by then.
    private func watchTrust(on loop: any EventLoop) {
        guard !endpoint.isLoopback, !options.insecure else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let pause = TimeAmount.nanoseconds(Int64(options.heartbeat.duration.wholeNanoseconds))
        loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
            bound.value.gate.reload()
            bound.value.endUntrusted()
        }
    }

    func reload() {
        do {
            (credentials, gate.own) = try options.certificates.credentialsAndKey(.ofThisUser)
            log.info("credentials read again")
        } catch {
            log.error("kept the old credentials: \((error as? Ending)?.sentence ?? "\(error)")")
        }
        gate.reload()
        endUntrusted()
    }

    /// Sessions of a key that was revoked, or that expired, end now; all others stay.
    private func endUntrusted() {
        guard let driver else { return }
        driver.acceptor.reauthorize(driver.rights)
        for id in driver.acceptor.sessionIDs {
            let identity = driver.acceptor.identity(of: id)
            guard identity.isVerified, !driver.acceptor.mayGoOn(id, driver.rights(identity))
            else { continue }
            driver.abort(
                id, Failure(.local, .authorityRefused, "\(identity) is no longer trusted here"))
        }
    }

    // MARK: Sessions

    private func observe(_ event: AcceptorEvent, on loop: any EventLoop) {
        metrics?.observe(event)
        switch event {
        case .confirmed(let id):
            log.info("session \(id) opened by \(driver?.acceptor.source(of: id) ?? "")")
        case .attached(let id, _, let resumed):
            if resumed { log.info("session \(id) resumed") }
        case .detached(let id, let failure):
            log.info("session \(id) lost its connection: \(failure.text)")
        case .forgotten(let id): forgotten(id)
        case .close, .activity, .ended, .wrote, .adopted, .departed: break
        }
        if isRetiring || stoppedBy != nil { finishDraining() }
    }

    /// Says what happened once, not a thousand times.
    private func refused(_ failure: Failure, _ source: String) {
        guard !failure.isOrdinary,
            let refusal = refusals.tell(failure, from: source, now: MonotonicClock.now)
        else { return }
        log.notice(refusal.sentence)
        statusStream?.write(refusal.fields)
    }

    private func sessionEnded(_ handle: SessionHandle, _ outcome: Outcome) {
        let verdict = SessionVerdict(outcome: outcome, peer: "the client")
        if let sentence = verdict.ending.sentence {
            log.notice("session \(handle.id): \(sentence)")
        } else {
            log.info("session \(handle.id) ended: \(SessionMonitor.name(of: outcome))")
        }
    }

    private func stdioEnded(
        _ handle: SessionHandle, _ outcome: Outcome, on loop: any EventLoop
    ) {
        var verdict = SessionVerdict(outcome: outcome, peer: "the client")
        verdict.readerGone = stdio?.readerGone ?? false
        verdict.signal = stoppedBy
        verdict.acknowledgedSince = stdio?.monitor?.acknowledged ?? 0
        let ending = verdict.ending
        stdio?.monitor?.closed(ending)
        summarize(ending, outcome)
        if options.keepOpen, stoppedBy == nil {
            if let sentence = ending.sentence { log.notice(sentence) }
            return
        }
        // It goes on listening: a client that lost its connection must be able to come back for the
        // last word.
        driver?.acceptor.isDraining = true
        finalEnding = (handle.id, ending)
        if driver?.acceptor.session(handle.id) == nil {
            leave(ending)
            return
        }
        // The peer's last word is missing. The outcome is fixed; whether the peer learns it is not.
        let bound = NIOLoopBound(self, eventLoop: loop)
        let id = handle.id
        let limit =
            outcome.isGood ? options.linger.duration : min(options.linger.duration, .seconds(5))
        loop.scheduleTask(in: .nanoseconds(Int64(limit.wholeNanoseconds))) {
            bound.value.stopLingering(id)
        }
    }

    private func stopLingering(_ id: SessionID) {
        guard driver?.acceptor.session(id) != nil else { return }
        log.notice("the client did not say goodbye; it may have to report an unknown outcome")
        driver?.stopLingering(id)
    }

    private func summarize(_ ending: Ending, _ outcome: Outcome) {
        guard options.summary == .json, let monitor = stdio?.monitor else { return }
        StandardError.write(JSONValue.object(monitor.summary(ending, outcome: outcome)).line)
    }

    func forgotten(_ id: SessionID) {
        guard let finalEnding, finalEnding.0 == id else { return }
        leave(finalEnding.1)
    }

    func leave(_ ending: Ending) {
        driver?.whenQuiet { [unowned self] in
            guard let inbox else { end(ending) }
            forgetLocalSocket()
            // Alone in its file again, whoever copies it has all of it.
            inbox.close { [unowned self] in end(ending) }
            self.inbox = nil
        }
    }
}
