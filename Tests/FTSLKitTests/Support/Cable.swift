import Glibc

/// Carries one connection at a time to a port of this machine, until it is cut without a goodbye.
final class Cable: @unchecked Sendable {
    let port: Int
    private let listening: CInt
    private let target: Int
    private var ends: [CInt] = []

    init(to target: Int) throws {
        self.target = target
        let listening = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        self.listening = listening
        var address = Self.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                max(
                    bind(listening, $0, size), listen(listening, 1),
                    getsockname(listening, $0, &size))
            }
        }
        guard code == 0 else { throw SystemTrouble(call: "listen") }
        port = Int(in_port_t(bigEndian: address.sin_port))
    }

    deinit {
        cut()
        close(listening)
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    /// Accepts one connection and carries what is said on it, for as long as `isWanted`.
    func carry(while isWanted: () throws -> Bool) throws {
        let near = accept(listening, nil, nil)
        let far = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        ends = [near, far]
        var address = Self.loopback(target)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard near >= 0, code == 0 else { throw SystemTrouble(call: "connect") }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while try isWanted() {
            var waiting = ends.map { pollfd(fd: $0, events: CShort(POLLIN), revents: 0) }
            poll(&waiting, 2, 10)
            for (number, end) in waiting.enumerated() where end.revents != 0 {
                let count = read(end.fd, &bytes, bytes.count)
                guard count > 0, write(ends[1 - number], bytes, count) == count else { return }
            }
        }
    }

    /// Both ends hear of a reset, and of nothing else.
    func cut() {
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        for end in ends {
            setsockopt(end, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
            close(end)
        }
        ends = []
    }
}
