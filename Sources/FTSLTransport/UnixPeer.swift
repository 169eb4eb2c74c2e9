internal import FTSLCore
internal import Glibc
internal import NIOCore

/// Whose process is at the other end of a Unix socket.
enum UnixPeer {
    /// struct ucred, which the Glibc module hides.
    private struct Credentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
    }

    /// Fails unless it is this user's or root's, whatever the file's mode says; other kinds of
    /// sockets pass.
    static func check(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard case .unixDomainSocket? = channel.localAddress ?? channel.remoteAddress,
            let provider = channel as? any SocketOptionProvider
        else { return channel.eventLoop.makeSucceededVoidFuture() }
        let peer: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: CInt(SO_PEERCRED)))
        return peer.flatMapThrowing {
            guard $0.uid == getuid() || $0.uid == 0 else {
                throw Failure(
                    .peer, .authenticationFailed,
                    "another user (uid \($0.uid)) is at the other end of the socket")
            }
        }
    }
}
