internal import Dispatch
internal import Glibc
package import NIOCore

/// Tells when this machine's links or addresses change (rtnetlink), so that a redial need not wait.
/// [FTSL §6]
package final class NetworkChanges {
    private var source: (any DispatchSourceRead)?

    /// Link, IPv4 address and IPv6 address changes of this network namespace.
    private static let groups: UInt32 = 0x1 | 0x10 | 0x100

    /// Calls back on the event loop; several changes at once are told once. Nil where the kernel
    /// refuses.
    package init?(on loop: any EventLoop, changed: @escaping @Sendable () -> Void) {
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
        guard descriptor >= 0 else { return nil }
        guard Self.subscribe(descriptor) else {
            close(descriptor)
            return nil
        }
        let source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor, queue: DispatchQueue(label: "ftsl.network"))
        source.setEventHandler {
            Self.drain(descriptor)
            loop.execute(changed)
        }
        source.setCancelHandler { close(descriptor) }
        source.resume()
        self.source = source
    }

    /// What changed does not matter here, only that something did.
    private static func drain(_ descriptor: CInt) {
        var buffer = [UInt8](repeating: 0, count: 8192)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
    }

    private static func subscribe(_ descriptor: CInt) -> Bool {
        // struct sockaddr_nl: family, padding, pid (0: the kernel chooses), groups. Not in the
        // Glibc module.
        var address: (UInt16, UInt16, UInt32, UInt32) = (UInt16(AF_NETLINK), 0, 0, groups)
        return withUnsafeBytes(of: &address) { raw in
            guard let base = raw.baseAddress else { return false }
            return bind(
                descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) == 0
        }
    }

    package func cancel() {
        source?.cancel()
        source = nil
    }
}
