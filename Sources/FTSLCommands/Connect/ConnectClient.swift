internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// One session of `ftsl connect` or of a shell, and its one ending.
final class ConnectClient {
    private let endpoints: [Endpoint]
    private let options: ConnectOptions
    private let global: GlobalOptions
    private let log: Log
    private let security: ConnectSecurity
    private let front: any ConnectFront
    private(set) var running: InitiatorDriver?
    private(set) var plumbing: Plumbing?
    private var source: (any EndingSource)?
    private(set) var monitor: SessionMonitor?
    private var meter: Meter?
    private var signals: SignalWatcher?
    private(set) var loop: (any EventLoop)?
    private var statusStream: StatusStream?
    private var quitTimer: Scheduled<Void>?

    private var interruptedBy: Int32?
    private var readerGone = false
    private var remoteExit: ExitReport?
    private var isDrained = false
    private var finalOutcome: (outcome: Outcome?, failure: Failure?)?
    private var lastTraffic: (bytes: UInt64, at: Instant)?
    /// Who served the session when it was opened.
    private var firstPeer: String?
    private var hasEnded = false

    init(
        _ endpoints: [Endpoint], options: ConnectOptions, global: GlobalOptions, log: Log,
        front: any ConnectFront
    ) throws {
        security = try ConnectSecurity(options.trust, endpoints, log: log)
        self.endpoints = endpoints
        self.options = options
        self.global = global
        self.log = log
        self.front = front
    }

    var peer: String {
        (running?.connectedEndpoint ?? endpoints[0]).description
    }

    func start(on loop: any EventLoop) {
        self.loop = loop
        if let descriptor = options.statusFd { statusStream = StatusStream(descriptor: descriptor) }
        dial(on: loop)
    }

    private func dial(on loop: any EventLoop) {
        let driver = InitiatorDriver(
            endpoints: endpoints, configuration: options.configuration,
            security: security.security, on: loop)
        running = driver
        driver.onOpened = { [unowned self] in opened($0, on: loop) }
        driver.onWaiting = { [unowned self] in waiting($0, $1) }
        driver.onEnded = { [unowned self] in ended($0, $1) }
        driver.start()
    }

    // MARK: The session

    private func opened(_ handle: SessionHandle, on loop: any EventLoop) -> any SessionApplication {
        let plumbing = Plumbing(handle)
        self.plumbing = plumbing
        firstPeer = peer
        let monitor = SessionMonitor(
            handle.session, peer: peer, log: log, statusStream: statusStream)
        self.monitor = monitor
        plumbing.onDetached = { [unowned self] in
            monitor.lost($0)
            front.changed()
            quitIfReaderGone()
        }
        plumbing.onAttached = { [unowned self] in
            if $0 { monitor.back(at: running?.connectedEndpoint?.description) }
            front.changed()
        }
        plumbing.onExited = { [unowned self] in remoteExit = $0 }
        plumbing.onReaderGone = { [unowned self] in if $0 == .main { stdoutGone(handle) } }
        plumbing.onDrained = { [unowned self] in
            isDrained = true
            finishIfDone()
        }
        plumbing.attach(sink: front.output(on: loop), to: .main)
        if handle.session.identity.flags.contains(.standardError) {
            plumbing.attach(sink: front.errorOutput(on: loop), to: .standardError)
        }
        plumbing.attach(source: input(handle, on: loop), to: .main)
        startMeter(monitor, on: loop)
        startIdleTimer(handle, on: loop)
        front.changed()
        return plumbing
    }

    private func input(_ handle: SessionHandle, on loop: any EventLoop) -> any ByteSource {
        let plain = front.input(on: loop)
        source = plain
        plain.onEndOfInput = { [unowned self] in inputEnded(handle, on: loop) }
        guard let rate = options.limitRate else { return plain }
        return RateLimitedSource(plain, bytesPerSecond: rate.bytes, on: loop)
    }

    /// nc's -q: the user does not want to wait for the other direction.
    private func inputEnded(_ handle: SessionHandle, on loop: any EventLoop) {
        guard let limit = options.quitAfter else { return }
        let amount = TimeAmount.nanoseconds(Int64(limit.duration.wholeNanoseconds))
        let bound = NIOLoopBound((self, handle), eventLoop: loop)
        quitTimer = loop.scheduleTask(in: amount) {
            let (client, handle) = bound.value
            client.plumbing?.stopReading(.main)
            handle.finish(.main)
        }
    }

    /// Whoever read our stdout is gone. What we still had to send is torn, unless its end was
    /// reached.
    private func stdoutGone(_ handle: SessionHandle) {
        readerGone = true
        if !handle.session.sendingChannels[0].finished {
            handle.abort(Failure(.local, .stopped, "the reader of its output went away"))
        }
        quitIfReaderGone()
    }

    private func quitIfReaderGone() {
        // Nobody is served by reconnecting for a reader that is gone.
        guard readerGone, running?.initiator.connection == nil else { return }
        running?.giveUp(Failure(.local, .stopped, "the reader of its output went away"))
    }

    private func waiting(_ delay: Duration, _ failure: Failure) {
        if running?.initiator.session == nil, failure.code == .busy {
            log.info("\(peer): \(failure.text); waiting")
        } else {
            log.info("\(peer): \(failure.text); next try in \(Numbers.seconds(delay.inSeconds))")
        }
    }

    private func startMeter(_ monitor: SessionMonitor, on loop: any EventLoop) {
        let wanted =
            options.progress ?? (StandardError.isTerminal && isatty(0) == 0 && !global.quiet)
        if wanted, front.hasRoomForMeter {
            let meter = Meter(monitor, size: options.size?.bytes)
            self.meter = meter
            log.beforeLine = { meter.erase() }
            meter.start(every: options.interval.duration, on: loop)
        }
        if statusStream != nil {
            let amount = TimeAmount.nanoseconds(Int64(options.interval.duration.wholeNanoseconds))
            let bound = NIOLoopBound(monitor, eventLoop: loop)
            loop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in
                bound.value.progress()
            }
        }
    }

    /// nc's -w, for a session without traffic.
    private func startIdleTimer(_ handle: SessionHandle, on loop: any EventLoop) {
        guard let limit = options.wait?.duration else { return }
        let bound = NIOLoopBound((self, handle), eventLoop: loop)
        let step = TimeAmount.nanoseconds(Int64(max(limit / 4, .milliseconds(10)).wholeNanoseconds))
        loop.scheduleRepeatedTask(initialDelay: step, delay: step) { task in
            let (client, handle) = bound.value
            guard let monitor = client.monitor, handle.session.outcome == nil else { return }
            let bytes = monitor.sent + monitor.received
            let now = MonotonicClock.now
            if client.lastTraffic?.bytes != bytes { client.lastTraffic = (bytes, now) }
            guard let last = client.lastTraffic, now.since(last.at) >= limit else { return }
            task.cancel()
            handle.abort(
                Failure(.local, .timedOut, "no traffic for \(Numbers.seconds(limit.inSeconds))"))
        }
    }

    // MARK: Signals

    /// Lets the process's signals be this session's.
    func watchSignals(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP, SIGUSR1], on: loop) {
            bound.value.received(signal: $0)
        }
    }

    func received(signal number: Int32) {
        switch number {
        case SIGHUP: running?.retryNow()
        case SIGUSR1: statistics()
        default: interrupt(number)
        }
    }

    private func statistics() {
        guard let monitor else {
            log.notice("no session yet")
            return
        }
        log.raw(
            JSONValue.object(monitor.summary(.success, outcome: monitor.session.outcome)).line)
    }

    /// Once: what was read is still delivered, and the peer is told. Twice: now.
    private func interrupt(_ number: Int32) {
        guard interruptedBy == nil, let handle = running?.handle, let loop else {
            return end(Ending(status: ExitStatus.signal(number)))
        }
        interruptedBy = number
        handle.abort(
            Failure(.local, .shuttingDown, "interrupted by signal \(number)"))
        let amount = TimeAmount.nanoseconds(Int64(global.drainTimeout.duration.wholeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: amount) {
            bound.value.running?.giveUp(Failure(.time, .shuttingDown, "interrupted"))
        }
    }

    /// Ends the session for a reason of this end's.
    func abort(_ failure: Failure) {
        guard let handle = running?.handle else {
            return end(Ending(failure.code.exitStatus, failure.text, code: failure.code))
        }
        handle.abort(failure)
    }

    // MARK: The end

    private func ended(_ outcome: Outcome?, _ failure: Failure?) {
        finalOutcome = (outcome, failure)
        if failure?.code == .peerUnknown, interruptedBy == nil, askAboutStranger() { return }
        // What came before a bad end is still written out; a session that never was has nothing to
        // write.
        if plumbing == nil { isDrained = true }
        finishIfDone()
    }

    /// True when somebody was found to ask; the answer decides how it goes on.
    private func askAboutStranger() -> Bool {
        guard let loop else { return false }
        guard let stranger = security.judge.stranger else { return false }
        return front.ask(stranger.key, at: stranger.endpoint, on: loop) { [self] isRight in
            do throws(Ending) {
                try security.settle(stranger, isRight)
                finalOutcome = nil
                dial(on: loop)
            } catch {
                end(error)
            }
        }
    }

    private func finishIfDone() {
        guard isDrained, let finalOutcome else { return }
        running?.whenQuiet { [self] in conclude(finalOutcome.outcome, finalOutcome.failure) }
    }

    private func conclude(_ outcome: Outcome?, _ failure: Failure?) {
        guard let outcome, let monitor else {
            let failure = failure ?? Failure(.local, .internalError, "nothing happened")
            return end(noSession(failure))
        }
        var verdict = SessionVerdict(outcome: outcome, peer: peer)
        verdict.readerGone = readerGone
        if case .stopped(let position) = outcome {
            verdict.nothingWasLeft =
                position == monitor.session.sendingChannels[0].end && source?.isLeftOver != true
                // Keys that were typed ahead of the end are no loss.
                || source is KeySource
        }
        verdict.signal = interruptedBy
        verdict.acknowledgedSince = monitor.acknowledged
        verdict.exit = remoteExit
        verdict.passStatus = options.exitStatus
        let ending = verdict.ending
        monitor.closed(ending)
        if let meter {
            meter.stop()
            log.beforeLine = nil
        }
        summarize(monitor, ending, outcome)
        end(ending)
    }

    private func summarize(_ monitor: SessionMonitor, _ ending: Ending, _ outcome: Outcome) {
        switch options.summary {
        case .json:
            log.raw(
                JSONValue.object(monitor.summary(ending, outcome: outcome)).line)
        case .text:
            log.raw(
                "ftsl: \(SessionMonitor.name(of: outcome)): \(monitor.sent) bytes sent, "
                    + "\(monitor.acknowledged) acknowledged, \(monitor.received) received in "
                    + "\(Numbers.seconds(monitor.elapsed.inSeconds)); \(monitor.reconnects) "
                    + "reconnects, \(Numbers.bytes(monitor.replayed)) replayed, "
                    + "\(Numbers.seconds(monitor.offlineNow.inSeconds)) offline\n")
        case nil: break
        }
    }

    private func noSession(_ failure: Failure) -> Ending {
        let isUsersLimit = options.configuration.firstTimeout != nil && failure.fault == .time
        var status = isUsersLimit ? ExitStatus.timeLimit : failure.code.exitStatus
        // A session that never was is not an incomplete one.
        if failure.code == .shuttingDown { status = .unreachable }
        if options.exitStatus { status = .remoteFailure }
        return Ending(status, "cannot connect to \(peer): \(failure.text)", code: failure.code)
    }

    private func end(_ ending: Ending) {
        guard !hasEnded else { return }
        hasEnded = true
        front.ended(ending)
    }

    // MARK: For people

    /// Connected, lost, moved: what a prompt says.
    var state: Prompt.State {
        guard let monitor else { return .connecting }
        if let seconds = monitor.secondsLost { return .lost(seconds: seconds) }
        if monitor.session.sendingChannels[0].finished { return .ending }
        if let firstPeer, firstPeer != peer { return .moved(to: peer) }
        return .connected
    }
}
