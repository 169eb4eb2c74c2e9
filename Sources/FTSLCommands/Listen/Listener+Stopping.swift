internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOCore

extension Listener {
    // MARK: Signals

    func watchSignals(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP, SIGUSR1], on: loop) {
            bound.value.received(signal: $0, on: loop)
        }
    }

    func received(signal number: Int32, on loop: any EventLoop) {
        switch number {
        case SIGHUP: reloadAndTell()
        case SIGUSR1: statistics()
        default: stop(number, on: loop)
        }
    }

    func statistics() {
        guard let acceptor = driver?.acceptor else { return }
        let refusals = acceptor.refusals.reduce(into: [String: JSONValue]()) {
            $0[$1.key.name] = .integer($1.value)
        }
        let object: [String: JSONValue] = [
            "sessions": .integer(UInt64(acceptor.activeSessions)),
            "tombstones": .integer(UInt64(acceptor.tombstones)),
            "unproven": .integer(UInt64(acceptor.unprovenConnections)),
            "reserved_memory": .integer(acceptor.reservedMemory),
            "refusals": .object(refusals),
        ]
        StandardError.write(JSONValue.object(object).line)
    }

    /// Once: no new sessions, and those that run may finish. Twice, or when the limit is reached:
    /// now.
    func stop(_ number: Int32, on loop: any EventLoop) {
        guard stoppedBy == nil, let driver else {
            exec?.killAll()
            end(Ending(status: ExitStatus.signal(stoppedBy ?? number)))
        }
        stoppedBy = number
        tellStopping()
        driver.acceptor.isDraining = true
        endMessageSessions(
            Failure(.local, .shuttingDown, "the listener was stopped by signal \(number)"))
        if let current = stdio?.current, current.session.outcome == nil {
            current.abort(Failure(.local, .shuttingDown, "interrupted by signal \(number)"))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let limit = TimeAmount.nanoseconds(Int64(global.drainTimeout.duration.wholeNanoseconds))
        loop.scheduleTask(in: limit) { bound.value.drainIsOver(on: loop) }
        finishDraining()
    }

    func finishDraining() {
        guard isRetiring || stoppedBy != nil, finalEnding == nil, let driver,
            driver.acceptor.activeSessions == 0, driver.acceptor.tombstones == 0
        else { return }
        leave(stoppedBy.map { Ending(status: ExitStatus.signal($0)) } ?? .success)
    }

    /// After everything moved: ends once late clients had their time and what stayed here is over.
    func retire(after linger: Duration) {
        guard let loop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .nanoseconds(Int64(linger.wholeNanoseconds))) {
            bound.value.retire()
        }
    }

    private func retire() {
        guard let driver, stoppedBy == nil else { return }
        isRetiring = true
        driver.acceptor.isDraining = true
        if driver.acceptor.signpostCount > 0 {
            log.notice(
                "\(Numbers.count(UInt64(driver.acceptor.signpostCount), "session")) may still be "
                    + "looked for here; a listener started here again sends them on")
        }
        finishDraining()
    }

    /// The sessions that are left are told, and get a moment to hear it.
    func drainIsOver(on loop: any EventLoop) {
        guard let driver, let stoppedBy else { return }
        let left = driver.acceptor.activeSessions
        if left > 0 { log.notice("\(left) sessions end unfinished") }
        for id in driver.acceptor.sessionIDs {
            driver.abort(
                id,
                Failure(.local, .shuttingDown, "the listener was stopped by signal \(stoppedBy)"))
        }
        exec?.killAll()
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .seconds(1)) {
            bound.value.end(Ending(status: ExitStatus.signal(stoppedBy)))
        }
    }

    func end(_ ending: Ending) -> Never {
        // One that was handed over stays with whoever made it.
        if case .unix(let path) = endpoint, listening != nil, inherited == nil { unlink(path) }
        metricsServer?.close()
        forgetLocalSocket()
        control?.close()
        forgetRecords()
        exec?.close()
        // What was asked of the inbox and not answered, its senders still hold.
        ProcessEnd.with(ending, log)
    }
}
