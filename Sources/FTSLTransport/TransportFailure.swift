package import FTSLCore
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
    internal import Glibc
#endif

/// Turns what NIO throws into the registry's codes, with a sentence for people.
package enum TransportFailure {
    package static func of(_ error: any Error) -> Failure {
        switch error {
        case let error as NIOConnectionError: return of(error)
        case let error as IOError: return Failure(.peer, .unreachable, text(of: error.errnoCode))
        case NIOSSLError.uncleanShutdown:
            return Failure(.peer, .unreachable, "the connection was closed")
        case let error as NIOSSLError: return ofTLS("\(error)")
        case let error as BoringSSLError: return ofTLS("\(error)")
        case is NIOSSLExtraError:
            return Failure(
                .peer, .authenticationFailed, "the peer's certificate is not one for this host")
        case is SocketAddressError: return Failure(.local, .hostUnknown, "host name unknown")
        case ChannelError.connectTimeout(let limit):
            let seconds = Double(limit.nanoseconds) / 1e9
            return Failure(.time, .unreachable, "no answer within \(seconds) s")
        default: return Failure(.peer, .unreachable, "\(error)")
        }
    }

    /// The other end did not agree on our protocol's name in the TLS handshake.
    static let otherProtocol = Failure(
        .peer, .notFTSL,
        "the peer speaks TLS, but not for \(TLSCredentials.applicationProtocol) (ALPN)")

    private static func ofTLS(_ text: String) -> Failure {
        if text.contains("EOF during handshake") {
            return Failure(
                .peer, .unreachable,
                "the connection was closed during the TLS handshake; does the peer speak TLS?")
        }
        if text.contains("WRONG_VERSION_NUMBER") {
            return Failure(.peer, .notFTSL, "the peer does not speak TLS")
        }
        if text.contains("NO_APPLICATION_PROTOCOL") { return otherProtocol }
        if text.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE") {
            return Failure(.peer, .authenticationFailed, "the peer showed no certificate")
        }
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidate") {
            return Failure(
                .peer, .authenticationFailed,
                "the peer's certificate does not verify under the given authority or name")
        }
        if text.contains("PROTOCOL_VERSION") || text.contains("UNSUPPORTED_PROTOCOL") {
            return Failure(.peer, .versionMismatch, "the peer does not speak TLS 1.3")
        }
        return Failure(.peer, .authenticationFailed, "TLS failed: \(text)")
    }

    private static func of(_ error: NIOConnectionError) -> Failure {
        if let first = error.connectionErrors.first { return of(first.error) }
        return Failure(.local, .hostUnknown, "host name unknown")
    }

    /// A connection that stood for a moment was reset, though whoever dialled was not told of it.
    static func isReset(_ error: any Error) -> Bool {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.contains { isReset($0.error) }
        case let error as IOError: [ECONNRESET, ENOTCONN].contains(error.errnoCode)
        default: false
        }
    }

    /// The operating system's words for an error number.
    package static func text(of code: CInt) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text).lowercased()
    }
}
