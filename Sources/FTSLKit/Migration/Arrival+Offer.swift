internal import FTSLCore
internal import FTSLStore

/// Whether a ticket is taken. [FTSL §10.1]
extension Arrival {
    /// Why this ticket is not taken; nil: it is.
    var refusal: Failure? {
        guard let offer else { return nil }
        let settings = host.settings
        func refused(_ text: String) -> Failure { Failure(.peer, .migrationRefused, text) }
        guard settings.accepts else {
            return refused("this listener takes no migrations (listen --accept-migration)")
        }
        guard offer.imageVersion == MigrationMessage.imageVersion else {
            return Failure(
                .peer, .versionMismatch,
                "images have version \(MigrationMessage.imageVersion) here, "
                    + "\(offer.imageVersion) there")
        }
        guard offer.label == settings.label else {
            return refused(
                "this listener's service is '\(settings.label)', not '\(offer.label)'")
        }
        if host.isMoving || host.arrivals.values.contains(where: { $0.isUnderWay }) {
            return refused("another migration is on its way here")
        }
        return serviceRefusal(offer, settings) ?? roomRefusal(offer) ?? inboxRefusal(offer)
    }

    var isUnderWay: Bool {
        switch machine.state {
        case .receiving, .storing, .prepared, .activating: true
        case .active: !machine.hasStarted
        case .over: false
        }
    }

    private func serviceRefusal(
        _ offer: MigrationMessage.Offer, _ settings: MigrationSettings
    ) -> Failure? {
        guard offer.service == settings.service else {
            let (theirs, own) = (name(offer.service), name(settings.service))
            return Failure(
                .peer, .migrationRefused, "this listener serves \(own), the other \(theirs)")
        }
        guard offer.serviceDigest == settings.serviceDigest else {
            return Failure(
                .peer, .migrationRefused, "this listener's command is another one (--exec)")
        }
        return nil
    }

    private func name(_ service: String) -> String {
        service.isEmpty ? "only an inbox" : "--\(service)"
    }

    private func roomRefusal(_ offer: MigrationMessage.Offer) -> Failure? {
        let acceptor = host.driver.acceptor
        if offer.plaintextSessions > 0, !host.settings.acceptsPlaintext {
            return Failure(
                .peer, .migrationRefused,
                "\(offer.plaintextSessions) sessions are plaintext, which is not served here")
        }
        let most = acceptor.configuration.maxSessions - acceptor.activeSessions
        guard Int(offer.sessions) <= most, offer.memory <= acceptor.freeMemory else {
            return Failure(
                .peer, .migrationRefused,
                "there is no room for \(offer.sessions) sessions (--max-sessions, --max-memory)")
        }
        return nil
    }

    private func inboxRefusal(_ offer: MigrationMessage.Offer) -> Failure? {
        guard offer.inbox != nil else { return nil }
        guard let target = inboxTarget else {
            return Failure(.peer, .migrationRefused, "this listener has no inbox (--inbox)")
        }
        do {
            try target.check()
            return nil
        } catch {
            return error
        }
    }

    private var inboxTarget: InboxTarget? {
        guard let inbox = offer?.inbox, let mover = host.mover else { return nil }
        return InboxTarget(path: mover.path, store: nil, inbox: inbox)
    }

    /// Nobody sends to the inbox that another one is to replace from here on: what came since the
    /// offer must be seen, and what came later would be lost. Nil: no inbox comes.
    func holdInbox() -> InboxTarget? {
        guard var target = inboxTarget else { return nil }
        target.store = host.mover?.store
        host.driver.moved { acceptor, _ in acceptor.absenceOfInbox = .later }
        let failure = Failure(.local, .shuttingDown, "another inbox is about to take its place")
        for id in host.driver.acceptor.messageSessions where !host.driver.expire(id, failure) {
            host.driver.abort(id, failure)
        }
        return target
    }
}

/// Where an inbox wants to arrive.
struct InboxTarget: Sendable {
    var path: String
    /// What serves there, if its last changes are to count.
    var store: InboxStore?
    var inbox: MigrationMessage.InboxOffer

    /// Throws what stands in the way.
    func check() throws(Failure) {
        do {
            try store?.settle()
            let place = try InboxPlace(path)
            guard let obstacle = place.obstacle(to: inbox.id, moves: inbox.moves + 1)
            else { return }
            throw Failure(.peer, .migrationRefused, "\(path): \(obstacle)")
        } catch let failure as Failure {
            throw failure
        } catch {
            let text = (error as? StoreFailure)?.text ?? "\(error)"
            throw Failure(.peer, .migrationRefused, text)
        }
    }
}
