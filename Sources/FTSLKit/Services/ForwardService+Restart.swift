package import FTSLCore
package import NIOCore

/// A backend's connection that goes on under the next program of this process. [FTSL §12]
extension ForwardService: PersistentService {
    private enum Standing: UInt8 {
        /// The backend has not answered: it is dialled again.
        case dialling = 0
        case connected = 1
    }

    package func hold(_ kept: KeptDescriptors) throws(Unmovable) -> ByteBuffer { ByteBuffer() }

    package func hold(
        _ id: SessionID, _ kept: KeptDescriptors
    ) throws(Unmovable) -> ApplicationHold {
        guard let session = running[id] else { return ApplicationHold() }
        guard session.leave == nil, !session.isAdopting else {
            throw Unmovable("its backend's connection is changing just now")
        }
        var words = ByteBuffer()
        guard let pipe = session.pipe else {
            words.writeInteger(Standing.dialling.rawValue)
            return ApplicationHold(
                words: words, unread: Self.joined(session.early.waiting, session))
        }
        pipe.deliverAll()
        guard pipe.isInputOpen || pipe.isOutputOpen, let channel = pipe.context?.channel else {
            return ApplicationHold()
        }
        words.writeInteger(Standing.connected.rawValue)
        words.writeInteger(try kept.keep(socket: channel))
        words.write(pipe.isInputOpen)
        words.write(pipe.isOutputOpen)
        return ApplicationHold(words: words, unread: Self.joined(pipe.takeStock(), session))
    }

    private static func joined(_ pieces: [ByteBuffer], _ session: ForwardSession) -> ByteBuffer {
        var unread = ByteBuffer()
        for bytes in pieces + session.plumbing.backlog(.main) {
            unread.writeImmutableBuffer(bytes)
        }
        return unread
    }

    package func goOn(
        _ handle: SessionHandle, peer: String, from words: ByteBuffer
    ) throws(Failure) -> any SessionApplication {
        var words = words
        guard let standing = Standing(rawValue: try words.need()), standing == .connected else {
            return begin(handle, peer: peer)
        }
        let descriptor: CInt = try words.need()
        try KeptDescriptors.adopt(descriptor)
        let pipe = ChannelPipe(
            inputEnded: !(try words.needPresence()), outputFinished: !(try words.needPresence()))
        let session = ForwardSession(handle, self)
        running[handle.id] = session
        session.adopt(descriptor, pipe)
        return session
    }
}
