internal import NIOCore

/// Looks at a new connection's first byte: TLS begins with 0x16, FTSL with an F.
///
/// So that one port can speak both where plaintext is allowed, and says nothing to plaintext where
/// it is not.
final class ProtocolSniffer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: TransportConnection
    private let credentials: TLSCredentials?
    private let allowsPlaintext: Bool
    private static let tlsHandshakeRecord: UInt8 = 0x16

    init(_ connection: TransportConnection, credentials: TLSCredentials?, allowsPlaintext: Bool) {
        self.connection = connection
        self.credentials = credentials
        self.allowsPlaintext = allowsPlaintext
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard let first: UInt8 = bytes.getInteger(at: bytes.readerIndex) else { return }
        let pipeline = context.pipeline.syncOperations
        if first == Self.tlsHandshakeRecord, let credentials {
            let record = credentials.makeRecord()
            connection.expectTLS(record)
            do {
                try pipeline.addHandler(
                    try credentials.serverHandler(record: record), position: .after(self))
            } catch {
                context.fireErrorCaught(error)
                return
            }
        } else if !allowsPlaintext {
            // Nothing but a refusal will come of it, but that is said in a way the client
            // understands.
            connection.refusePlaintext()
        }
        context.fireChannelRead(data)
        pipeline.removeHandler(self, promise: nil)
    }
}
