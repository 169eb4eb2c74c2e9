package import FTSLCore
package import NIOCore

/// All sessions change hands between two programs of one process. [FTSL §12]
extension AcceptorDriver {
    /// What the next program needs of all sessions that carry streams; they stand still until it
    /// has taken over, or `goOnHere` is called. Others begin anew with it.
    package func hold(
        _ kept: KeptDescriptors
    ) throws(Unmovable) -> (service: ByteBuffer, sessions: [RestartImage.Session]) {
        let ids = acceptor.streamSessions
        guard let service = service as? any PersistentService else {
            // An inbox alone has none, and is on the disk.
            guard ids.isEmpty else {
                throw Unmovable("what serves its sessions cannot outlive this program")
            }
            return (ByteBuffer(), [])
        }
        acceptor.freeze(ids)
        var sessions: [RestartImage.Session] = []
        for id in ids {
            let isServed = acceptor.isServed(id)
            var held = ApplicationHold()
            do {
                if isServed { held = try service.hold(id, kept) }
            } catch {
                throw Unmovable("session \(id): \(error.text)")
            }
            guard
                let image = acceptor.image(of: id, application: nil, unread: held.unread)
            else { continue }
            guard image.isConsistent else {
                throw Unmovable("session \(id): what its application has not used is not known")
            }
            sessions.append(
                RestartImage.Session(
                    image: image, isAdopted: acceptor.isAdopted(id), application: held.words))
        }
        return (try service.hold(kept), sessions)
    }

    package func goOnHere() { moved { $0.thaw($0.streamSessions, now: $1) } }

    /// In the next program; call before listening. Sessions whose images are of no use end.
    package func goOn(with sessions: [RestartImage.Session]) throws(Failure) {
        guard let service = service as? any PersistentService else { return }
        for session in sessions {
            try acceptor.adopt(
                session.image, from: .thisHost(isAdopted: session.isAdopted),
                now: MonotonicClock.now)
            guard let words = session.application else { continue }
            let unread = session.image.unread
            let address = session.image.address
            beginnings[session.image.id] = { handle in
                do throws(Failure) {
                    let application = try service.goOn(handle, peer: address, from: words)
                    handle.session.takeBack(unread, from: .main)
                    return application
                } catch {
                    handle.abort(Failure(.local, .applicationFailed, error.text))
                    return QuietApplication()
                }
            }
        }
        moved { $0.activate(sessions.map(\.image.id), now: $1) }
        beginnings = [:]
    }
}
