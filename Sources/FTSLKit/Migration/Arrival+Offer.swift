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
        case .active, .over: false
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
        guard let inbox = offer.inbox else { return nil }
        guard let mover = host.mover else {
            return Failure(.peer, .migrationRefused, "this listener has no inbox (--inbox)")
        }
        do {
            let place = try InboxPlace(mover.path)
            return place.obstacle(to: inbox.id, moves: inbox.moves + 1)
                .map { Failure(.peer, .migrationRefused, "\(mover.path): \($0)") }
        } catch {
            let text = (error as? StoreFailure)?.text ?? "\(error)"
            return Failure(.peer, .migrationRefused, text)
        }
    }
}
