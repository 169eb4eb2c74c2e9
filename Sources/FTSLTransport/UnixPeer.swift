internal import FTSLCore
internal import Glibc
package import NIOCore

/// Whose process is at the other end of a Unix socket.
package enum UnixPeer {
    /// struct ucred, which the Glibc module hides.
    private struct Credentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
    }

    /// Fails unless it is this user's or root's, whatever the file's mode says; other kinds of
    /// sockets pass.
    package static func check(_ channel: any Channel) -> EventLoopFuture<Void> {
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

    /// The user at the other end of a connected socket; nil when the system does not say.
    package static func user(of descriptor: CInt) -> UInt32? {
        var peer = Credentials()
        var size = socklen_t(MemoryLayout<Credentials>.size)
        let code = getsockopt(descriptor, SOL_SOCKET, CInt(SO_PEERCRED), &peer, &size)
        return code == 0 ? peer.uid : nil
    }
}
