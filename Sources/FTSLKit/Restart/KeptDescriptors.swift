package import FTSLCore
internal import FTSLTransport
internal import Glibc
package import NIOCore

/// Descriptors that the next program of this process finds open under the same numbers. [FTSL §12]
package final class KeptDescriptors {
    private var copies: [CInt] = []
    /// The sockets of this process by the kernel's name for them: NIO does not tell their numbers.
    private lazy var sockets = OpenSockets.all()

    package init() {}

    /// The number under which the next program finds it.
    package func keep(_ descriptor: CInt) throws(Unmovable) -> CInt {
        let copy = fcntl(descriptor, F_DUPFD, 3)
        guard copy >= 0 else {
            throw Unmovable("a descriptor cannot be kept: \(TransportFailure.text(of: errno))")
        }
        copies.append(copy)
        return copy
    }

    package func keep(socket channel: any Channel) throws(Unmovable) -> CInt {
        guard let cookie = OpenSockets.cookie(of: channel), let number = sockets[cookie] else {
            throw Unmovable("a socket is not to be found among the descriptors")
        }
        return try keep(number)
    }

    /// All others end with this program: a peer notices at once that its connection is gone.
    func keepNoOthers() {
        let kept = Set(copies)
        for number in OpenDescriptors.all() where number > 2 && !kept.contains(number) {
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        }
    }

    /// Nobody needs them: this program goes on.
    package func release() {
        for copy in copies { close(copy) }
        copies = []
    }

    /// In the next program: from here on no command inherits it. Throws where nothing is open.
    package static func adopt(_ descriptor: CInt) throws(Failure) {
        guard descriptor > 2, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw Failure(
                .local, .internalError, "descriptor \(descriptor) of a restart is not open")
        }
    }
}

/// Which number each socket of this process has.
private enum OpenSockets {
    /// SO_COOKIE, which the Glibc module hides.
    private static let cookieOption: CInt = 57

    static func all() -> [UInt64: CInt] {
        var found: [UInt64: CInt] = [:]
        for number in OpenDescriptors.all() {
            var cookie: UInt64 = 0
            var size = socklen_t(MemoryLayout<UInt64>.size)
            if getsockopt(number, SOL_SOCKET, cookieOption, &cookie, &size) == 0 {
                found[cookie] = number
            }
        }
        return found
    }

    /// Nil for a channel that is closed. On its event loop.
    static func cookie(of channel: any Channel) -> UInt64? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        var cookie: UInt64?
        let asked: EventLoopFuture<UInt64> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: cookieOption))
        // On the loop of the channel it is answered at once.
        asked.assumeIsolated().whenSuccess { cookie = $0 }
        return cookie
    }
}
