internal import FTSLCore
internal import FTSLStore
internal import NIOCore

extension HostImage {
    /// What is known here of these sessions once they are at the target.
    func holdings(until: UInt64) -> [KnownGeneration] {
        sessions.map {
            KnownGeneration(.session($0.id), moves: $0.generation.moves + 1, until: until)
        }
    }
}

extension ApplicationState {
    /// Without what was unread, which belongs to the session.
    var encoded: ByteBuffer {
        var out = ByteBuffer()
        out.writeInteger(closed.rawValue)
        out.writeBytes(state)
        return out
    }

    init?(_ encoded: ByteBuffer, unread: ByteBuffer) {
        var input = encoded
        guard let closed: UInt8 = input.readInteger() else { return nil }
        self.init(
            state: Array(input.readableBytesView), closed: Closed(rawValue: closed),
            unread: unread)
    }
}
