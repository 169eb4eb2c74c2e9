internal import Glibc
package import NIOCore
package import NIOPosix

extension Endpoint {
    /// Where a socket that somebody else has bound listens; nil: nowhere that can be told.
    package init?(ofSocket descriptor: CInt) {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size) == 0 ? Self.endpoint(of: $0, size) : nil
            }
        }
        guard let found else { return nil }
        self = found
    }

    private static func endpoint(
        of address: UnsafePointer<sockaddr>, _ size: socklen_t
    ) -> Endpoint? {
        switch CInt(address.pointee.sa_family) {
        case AF_UNIX:
            let path = UnsafeRawBufferPointer(start: address, count: Int(size))
                .dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 }
            return path.isEmpty ? nil : .unix(path: String(decoding: path, as: UTF8.self))
        case AF_INET, AF_INET6:
            var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
            let code = getnameinfo(
                address, size, &host, socklen_t(host.count), &port, socklen_t(port.count),
                NI_NUMERICHOST | NI_NUMERICSERV)
            guard code == 0, let number = Int(text(port)) else { return nil }
            return .tcp(host: text(host), port: number)
        default: return nil
        }
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension ClientBootstrap {
    /// Connects to an endpoint. An address is dialled as it is: NIO would ask the resolver for it
    /// too, on a thread of its own, and wait for both families.
    package func connect(to endpoint: Endpoint) -> EventLoopFuture<any Channel> {
        switch endpoint {
        case .tcp(let host, let port):
            guard let address = try? SocketAddress(ipAddress: host, port: port) else {
                return connect(host: host, port: port)
            }
            return connect(to: address)
        case .unix(let path):
            return connect(unixDomainSocketPath: path)
        }
    }
}
