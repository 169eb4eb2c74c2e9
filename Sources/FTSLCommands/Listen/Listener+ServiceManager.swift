internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore

extension Listener {
    /// How often the manager is told the status where it does not watch.
    private static let statusPause: Duration = .seconds(5)

    /// The listener is ready: from now on the manager hears that it lives, and how it is.
    func tellReady(on loop: any EventLoop) {
        guard let manager else { return }
        manager.tell(["READY=1", ServiceManager.status(standing)])
        // Twice as often as it must be, as the manual of systemd says.
        let pause = min(Self.statusPause, manager.watchdog.map { $0 / 2 } ?? Self.statusPause)
        let amount = TimeAmount.nanoseconds(Int64(pause.wholeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        // From the loop that does the work: if that hangs, the manager shall notice.
        loop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in
            bound.value.tellStanding()
        }
    }

    private func tellStanding() {
        guard let manager else { return }
        let isWatched = manager.watchdog != nil
        manager.tell((isWatched ? ["WATCHDOG=1"] : []) + [ServiceManager.status(standing)])
    }

    /// For people who look at the service.
    private var standing: String {
        guard let acceptor = driver?.acceptor else { return "starting" }
        let sessions = Numbers.count(UInt64(acceptor.activeSessions), "session")
        let draining = acceptor.isDraining ? ", draining" : ""
        return "\(listening?.endpoint ?? endpoint): \(sessions), "
            + "\(acceptor.activeSessions - acceptor.attachedSessions) of them without a "
            + "connection\(draining)"
    }

    func tellStopping() {
        manager?.tell(["STOPPING=1", ServiceManager.status("stopping")])
    }

    /// Reads keys and configuration again.
    func reloadAndTell() {
        manager?.tell(ServiceManager.reloading)
        reload()
        manager?.tell(["READY=1"])
    }
}
