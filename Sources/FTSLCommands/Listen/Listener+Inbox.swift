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
    /// listener.
    func endMessageSessions(_ failure: Failure) {
        guard let driver else { return }
        for id in driver.acceptor.sessionIDs
        where driver.acceptor.session(id)?.identity.flags.contains(.messages) == true {
            driver.abort(id, failure)
        }
    }
}
