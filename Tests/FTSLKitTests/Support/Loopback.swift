import Glibc

/// TCP sockets of this machine, for tests that talk past everything of ours.
enum Loopback {
    /// Listens at a port that the kernel chooses.
    static func listen() throws -> (descriptor: CInt, port: Int) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (bound, address) = at(0) { address in
            let isBound = bind(descriptor, address, size) == 0 && Glibc.listen(descriptor, 1) == 0
            return isBound && getsockname(descriptor, address, &size) == 0
        }
        guard bound else { throw SystemTrouble(call: "listen") }
        return (descriptor, Int(in_port_t(bigEndian: address.sin_port)))
    }

    /// Blocks until it is connected.
    static func connect(_ port: Int) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard at(port, { Glibc.connect(descriptor, $0, size) == 0 }).result else {
            throw SystemTrouble(call: "connect")
        }
        return descriptor
    }

    private static func at<Result>(
        _ port: Int, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
    ) -> (result: Result, address: sockaddr_in) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
        return (result, address)
    }
}
