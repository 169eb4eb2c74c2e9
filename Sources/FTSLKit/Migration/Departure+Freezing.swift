internal import FTSLCore
internal import FTSLStore
internal import NIOCore

extension Departure {
    // MARK: Standing still

    /// Lets every application leave what it has, within the service's own limits.
    func freeze() {
        let acceptor = host.driver.acceptor
        var movable: [SessionID] = []
        var applications: [SessionID] = []
        for id in acceptor.streamSessions {
            guard acceptor.isServed(id) else {
                movable.append(id)
                continue
            }
            if let obstacle = host.obstacle(of: id, to: request.target) {
                report.unmovable.append("session \(id): \(obstacle.text)")
            } else {
                movable.append(id)
                applications.append(id)
            }
        }
        if let first = report.unmovable.first, host.settings.unmovable == .refuse {
            return handle(.failed(Failure(.local, .migrationRefused, first)))
        }
        messageSessions = host.mover?.store == nil ? [] : acceptor.messageSessions
        frozen = movable
        host.driver.moved { acceptor, _ in
            acceptor.absence = .later
            acceptor.freeze(movable + messageSessions)
        }
        checkpoint(applications)
    }

    private func checkpoint(_ ids: [SessionID]) {
        guard !ids.isEmpty, let service = host.service else { return settleInbox() }
        var missing = ids.count
        for id in ids {
            service.checkpoint(id) { [self] result in
                missing -= 1
                left(id, result)
                if missing == 0, machine.state == .freezing { settleInbox() }
            }
        }
    }

    private func left(_ id: SessionID, _ result: CheckpointAnswer) {
        switch result {
        case .success(nil): break
        case .success(let state?):
            // It came too late for the ticket: it goes on here.
            guard machine.state == .freezing else { return host.restart(id, from: state) }
            states[id] = state
        case .failure(let obstacle):
            frozen.removeAll { $0 == id }
            host.driver.moved { $0.thaw([id], now: $1) }
            guard machine.state == .freezing else { return }
            report.unmovable.append("session \(id): \(obstacle.text)")
            if host.settings.unmovable == .refuse {
                handle(.failed(Failure(.local, .migrationRefused, obstacle.text)))
            }
        }
    }

    /// What came last of the inbox follows the rest.
    private func settleInbox() {
        guard let copying else { return makeImage() }
        copying.finish { [self] result in
            guard machine.state == .freezing else { return }
            switch result {
            case .success: makeImage()
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    private func makeImage() {
        guard let target else { return }
        var whole = HostImage(ticket: ticket)
        let used = host.usedMoves
        for id in frozen {
            let state = states[id]
            guard
                var one = host.driver.acceptor.image(
                    of: id, application: state?.encoded, unread: state?.unread ?? ByteBuffer())
            else { continue }
            one.generation.moves = max(one.generation.moves, used)
            whole.sessions.append(one)
        }
        image = whole.encoded
        machine.digest = HostImage.digest(image) + (copying?.digest ?? [])
        let inboxMoves = host.inboxSignpost(to: target)?.generation.moves ?? 0
        report.generation = max(whole.moves, inboxMoves)
        report.sessions = whole.sessions.count
        report.bytes += UInt64(image.readableBytes)
        handle(.frozen)
    }

    // MARK: On the way

    /// Bytes between two words about the copy.
    private static let copyNews: UInt64 = 64 << 20

    func copyInbox() {
        guard let store = host.mover?.store, let link else { return handle(.copied) }
        let copying = InboxCopying(store, link, host.disk)
        var told: UInt64 = 0
        self.copying = copying
        copying.onProgress = { [weak self] bytes in
            guard let self else { return }
            let isNews = bytes - told >= Self.copyNews
            report.inboxBytes = bytes
            guard isNews else { return }
            told = bytes
            tell(.copy, "\(bytes >> 20) MiB of the inbox")
        }
        copying.start { [weak self] result in
            switch result {
            case .success: self?.handle(.copied)
            case .failure(let failure): self?.handle(.failed(failure))
            }
        }
    }

    func sendImage() {
        tell(.image, "\(image.readableBytes) bytes")
        var rest = image
        while let piece = rest.readPiece(Bound.migrationPiece) { link?.send(.image(piece)) }
        let own = HostImage.digest(image)
        link?.send(.seal(image: own, inbox: copying?.digest ?? []))
    }

    // MARK: How it ends

    func redirect() {
        guard var target else { return }
        target.generation = Generation(moves: report.generation, starts: 0)
        copying?.end()
        copying = nil
        let all = frozen + messageSessions
        let later = request.spread > .zero ? all.filter(isAttached) : []
        let first = later.isEmpty ? all : all.filter { !isAttached($0) }
        host.driver.moved { acceptor, now in
            acceptor.absence = .moved(target)
            acceptor.depart(first, to: target, now: now)
        }
        spread(later, to: target)
        image = ByteBuffer()
        states = [:]
        guard messageSessions.isEmpty == false || host.mover?.store != nil else { return }
        host.mover?.leave(to: target) { [host] in if let failure = $0 { host.onTrouble?(failure) } }
    }

    private func isAttached(_ id: SessionID) -> Bool {
        host.driver.acceptor.connection(of: id) != nil
    }

    /// Each at a moment of its own, so that not all come to the target at once.
    private func spread(_ ids: [SessionID], to target: MoveTarget) {
        let driver = NIOLoopBound(host.driver, eventLoop: host.loop)
        for id in ids {
            let wait = UInt64.random(in: 0...request.spread.wholeNanoseconds)
            host.loop.scheduleTask(in: .nanoseconds(Int64(wait))) {
                driver.value.moved { $0.depart([id], to: target, now: $1) }
            }
        }
    }

    /// As it was before: what applications left starts again here.
    func thaw() {
        copying?.end()
        copying = nil
        for (id, state) in states { host.restart(id, from: state) }
        states = [:]
        let held = frozen + messageSessions
        (frozen, messageSessions) = ([], [])
        host.driver.moved { acceptor, now in
            acceptor.absence = nil
            acceptor.thaw(held, now: now)
        }
        isThawed()
    }
}
