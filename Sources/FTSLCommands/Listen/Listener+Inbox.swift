internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore

extension Listener {
    /// An inbox that was decided to be ours takes its place before anybody opens it.
    func finishArrivals() {
        guard let path = options.messages.inbox, records.exists else { return }
        do {
            try MigrationHost.finishArrivals(records: records, inbox: path)
        } catch {
            end(StoreFailure.ending(of: error))
        }
    }

    /// Opens the inbox while this listener runs, and serves it.
    func serveInbox(on loop: any EventLoop) {
        inbox = openInbox(on: loop)
        driver?.inbox = inbox
        if let driver { inbox?.serve(on: driver) }
    }

    /// Nobody is served any more; what closes it is the caller's.
    func takeInbox() -> InboxService? {
        defer {
            inbox = nil
            driver?.inbox = nil
        }
        return inbox
    }

    /// Nil: none was asked for.
    func openInbox(on loop: any EventLoop) -> InboxService? {
        guard let path = options.messages.inbox else { return nil }
        do {
            let inbox = try LocalInbox.open(
                path, options.messages.storeOptions,
                permissions: { [unowned self] in gate.inboxPermissions(of: $0) }, on: loop)
            if let metrics { inbox.onStored = { metrics.stored(within: $0) } }
            return inbox
        } catch let failure as StoreFailure where failure.reason == .moved && control?.name != nil {
            // Only the way to it is served here.
            log.notice(failure.text)
            return nil
        } catch {
            end(StoreFailure.ending(of: error))
        }
    }

    /// Consumers on this machine come through the socket beside the inbox.
    func listenLocally(
        _ security: TransportListener.Security, then ready: @escaping () -> Void
    ) {
        guard let path = options.messages.inbox, let driver else { return ready() }
        let local = LocalInbox.endpoint(of: path)
        let bound = inheritance?.descriptors[.local]
        let binding = driver.listen(on: local, security: .plaintext, inherited: bound)
            .assumeIsolated()
        binding.whenComplete { [unowned self] result in
            switch result {
            case .success(let listener):
                self.local = listener
                ready()
            case .failure(let error):
                let reason = (error as? Failure)?.text ?? "\(error)"
                end(Ending(.cannotCreate, "cannot listen on \(local): \(reason)"))
            }
        }
    }

    /// Only while the inbox is ours: the next host's socket has the same name.
    func forgetLocalSocket() {
        guard inbox != nil, listening != nil, let path = options.messages.inbox,
            case .unix(let socket) = LocalInbox.endpoint(of: path)
        else { return }
        unlink(socket)
    }

    /// Sessions with the inbox lose nothing by ending: senders and consumers go on with the next
    /// listener. Who is away need not be waited for, either.
    func endMessageSessions(_ failure: Failure) {
        guard let driver else { return }
        for id in driver.acceptor.messageSessions where !driver.expire(id, failure) {
            driver.abort(id, failure)
        }
    }
}
