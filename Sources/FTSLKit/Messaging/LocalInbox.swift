package import FTSLCore
package import FTSLStore
package import FTSLTransport
package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#endif

/// An inbox's file on this machine, reached through the Unix socket beside it.
///
/// Whoever hosts the inbox listens there. Where nobody does, this process hosts it for as long as
/// no listener wants it: a listener knocks at the lock, the host lets go, and its own consumers go
/// on as clients of the listener.
package final class LocalInbox {
    /// Long enough for the one that knocked to take the lock.
    private static let absence: Duration = .seconds(1)
    /// How long a listener waits for a host that may let go.
    private static let knocking: Duration = .seconds(1)

    package let path: String
    private let options: InboxOptions
    private let loop: any EventLoop
    private var service: InboxService?
    private var driver: AcceptorDriver?
    private var listening: TransportListener?
    private var watch: FileWatch?
    private var alarm: Alarm?
    private var isStopped = false
    /// Somebody can be reached at the socket now, or soon.
    package var onHosted: (() -> Void)?
    package var onFailed: ((StoreFailure) -> Void)?

    package init(_ path: String, _ options: InboxOptions, on loop: any EventLoop) {
        self.path = path
        self.options = options
        self.loop = loop
        alarm = Alarm(on: loop) { [weak self] in self?.hostUnlessHosted() }
    }

    package static func endpoint(of path: String) -> Endpoint { .unix(path: path + "-sock") }
    package var endpoint: Endpoint { Self.endpoint(of: path) }

    /// Opens the inbox as a listener does: a consumer that hosts it in passing is asked to let go.
    package static func open(
        _ path: String, _ options: InboxOptions,
        permissions: @escaping (PeerIdentity) -> InboxPermissions, on loop: any EventLoop
    ) throws -> InboxService {
        let deadline = MonotonicClock.now + knocking
        while true {
            do {
                return try InboxService(path, options, permissions: permissions, on: loop)
            } catch let failure as StoreFailure {
                guard case .locked = failure.reason, MonotonicClock.now < deadline else {
                    throw failure
                }
                // The loop has nothing else to do before the inbox is there.
                try FileLock.knock(InboxStore.lockPath(of: path))
                usleep(10_000)
            }
        }
    }

    /// Hosts the inbox here unless somebody else does; called again whenever nobody answers.
    package func hostUnlessHosted() {
        guard service == nil, !isStopped else { return }
        do {
            let service = try InboxService(path, options, on: loop)
            self.service = service
            try host(service)
        } catch let failure as StoreFailure {
            if case .locked = failure.reason { onHosted?() } else { onFailed?(failure) }
        } catch {
            onFailed?(StoreFailure(.inputOutput, "\(error)"))
        }
    }

    private func host(_ service: InboxService) throws {
        var configuration = AcceptorConfiguration()
        configuration.offered = .messages
        let driver = AcceptorDriver(
            configuration: configuration, service: service, inbox: service, on: loop)
        self.driver = driver
        service.serve(on: driver)
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        watch = try FileWatch(InboxStore.lockPath(of: path), every: nil) {
            loop.execute { bound.value.letGo() }
        }
        driver.listen(on: endpoint).assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let listener):
                listening = listener
                if isStopped || self.service == nil { listener.close() } else { onHosted?() }
            case .failure(let error):
                let text = (error as? Failure)?.text ?? "\(error)"
                onFailed?(StoreFailure(.inputOutput, "cannot listen on \(endpoint): \(text)"))
            }
        }
    }

    /// A listener wants the inbox.
    private func letGo() {
        close {}
        guard !isStopped else { return }
        alarm?.set(for: MonotonicClock.now + Self.absence)
    }

    private func close(_ body: @escaping () -> Void) {
        guard let service else { return body() }
        watch = nil
        listening?.close()
        listening = nil
        if let driver {
            driver.stop(Failure(.local, .shuttingDown, "the inbox is taken over"))
            // It lives until its last words are said.
            driver.whenQuiet { _ = driver }
        }
        driver = nil
        self.service = nil
        service.close(body)
    }

    /// Lets the inbox go for good, then calls back.
    package func stop(_ body: @escaping () -> Void) {
        isStopped = true
        alarm?.cancel()
        close(body)
    }
}
