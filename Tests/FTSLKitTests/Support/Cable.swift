import Glibc

/// Carries one connection at a time to a port of this machine, until it is cut without a goodbye.
final class Cable: @unchecked Sendable {
    let port: Int
    private let listening: CInt
    private let target: Int
    private var ends: [CInt] = []

    init(to target: Int) throws {
        self.target = target
        (listening, port) = try Loopback.listen()
    }

    deinit {
        cut()
        close(listening)
    }

    /// Accepts one connection and carries what is said on it, for as long as `isWanted`.
    func carry(while isWanted: () throws -> Bool) throws {
        let near = accept(listening, nil, nil)
        guard near >= 0 else { throw SystemTrouble(call: "accept") }
        ends = [near]
        ends.append(try Loopback.connect(target))
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
