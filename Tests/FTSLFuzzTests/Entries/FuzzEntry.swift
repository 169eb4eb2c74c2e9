/// What can be fuzzed. Each entry takes any bytes at all and throws only when a promise is broken.
package enum FuzzEntry: String, CaseIterable, Sendable {
    /// Stream frames, cut anywhere.
    case decoder
    /// Bodies of handshake frames.
    case messages
    /// An adversary among the clients of a listener.
    case acceptor
    /// A client of a hostile listener.
    case initiator

    package func run(_ bytes: UnsafeRawBufferPointer) throws(Broken) {
        switch self {
        case .decoder: try fuzzDecoder(bytes)
        case .messages: try fuzzMessages(bytes)
        case .acceptor: try fuzzAcceptor(bytes)
        case .initiator: try fuzzInitiator(bytes)
        }
    }

    package func run(_ bytes: [UInt8]) throws(Broken) {
        var broken: Broken?
        bytes.withUnsafeBytes { raw in
            do throws(Broken) { try run(raw) } catch { broken = error }
        }
        if let broken { throw broken }
    }
}
