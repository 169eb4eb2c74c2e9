import Foundation

/// A TCP relay between client and listener that does on purpose what networks do by accident.
final class Relay: Sendable {
    /// What happens to bytes.
    enum Weather: Sendable {
        case clear
        /// They vanish, in both directions; connections look open.
        case blackHole
        /// Only what goes to the client vanishes.
        case deafClient
        /// Nobody reads, so that senders stall.
        case stalled
    }

    private struct State {
        var weather = Weather.clear
        var isOpen = true
        var connections: [Connection] = []
        var accepted = 0
        var bytes = 0
        /// The first bytes from the client, by connection.
        var captures: [Data] = []
    }

    /// Both sides of one relayed connection.
    private final class Connection: Sendable {
        let client: Descriptor
        let server: Descriptor
        init(client: Descriptor, server: Descriptor) {
            self.client = client
            self.server = server
        }
        /// Threads that read from them notice at once.
        func cut() {
            for side in [client, server] {
                var none = linger(l_onoff: 1, l_linger: 0)
                let size = socklen_t(MemoryLayout<linger>.size)
                setsockopt(side.raw, SOL_SOCKET, SO_LINGER, &none, size)
                // AF_UNSPEC dissolves the association: the peer gets a reset while others read here.
                var nowhere = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: Relay.zeros)
                Glibc.connect(side.raw, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
                shutdown(side.raw, CInt(SHUT_RDWR))
            }
        }
    }

    fileprivate static let zeros:
        (
            CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar,
            CChar,
            CChar
        ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    private let state = Watched(State())
    private let listening: Descriptor
    private let target: Int
    let port: Int
    var endpoint: String { "127.0.0.1:\(port)" }

    /// With a lifetime, each connection is cut that long after it was made.
    init(to target: Int, lifetime: Duration? = nil) throws {
        (listening, port) = try Socket.listen()
        self.target = target
        Thread.detachNewThread { [self] in
            while let client = Socket.accept(listening) {
                guard state.current.isOpen, let server = try? Socket.connect(target) else {
                    client.reset()
                    continue
                }
                carry(Connection(client: client, server: server), lifetime)
            }
        }
    }

    /// Nobody can connect any more, and all connections are gone.
    func stop() {
        become(.clear)
        shutdown(listening.raw, CInt(SHUT_RDWR))
        cut()
    }

    private func carry(_ connection: Connection, _ lifetime: Duration?) {
        var number = 0
        state.change {
            number = $0.accepted
            $0.connections.append(connection)
            $0.captures.append(Data())
            $0.accepted += 1
        }
        Thread.detachNewThread { [self, number] in
            pump(connection.client, connection.server, capture: number)
        }
        Thread.detachNewThread { [self] in
            pump(connection.server, connection.client, capture: nil)
        }
        guard let lifetime else { return }
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: lifetime / .seconds(1))
            connection.cut()
        }
    }

    /// `capture` is the number of the connection, on the way from the client.
    private func pump(_ from: Descriptor, _ to: Descriptor, capture: Int?) {
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
        defer { space.deallocate() }
        while let count = from.read(into: space), count > 0 {
            state.change {
                $0.bytes += count
                guard let capture, $0.captures[capture].count < 4096 else { return }
                $0.captures[capture].append(contentsOf: space[..<min(count, 4096)])
            }
            var weather = state.current.weather
            if case .stalled = weather {
                weather =
                    state.wait(.seconds(600)) {
                        if case .stalled = $0.weather { nil } else { $0.weather }
                    } ?? .clear
            }
            switch weather {
            case .blackHole: continue
            case .deafClient where capture == nil: continue
            case .clear, .stalled, .deafClient:
                let part = UnsafeRawBufferPointer(rebasing: space[..<count])
                guard to.write(part) else { return }
            }
        }
        // An end is passed on as an end; after a cut there is nothing to pass it to.
        shutdown(to.raw, CInt(SHUT_WR))
    }

    // MARK: Orders

    /// How it is from now on.
    func become(_ weather: Weather) { state.change { $0.weather = weather } }

    /// Resets every connection. What is under way is lost.
    func cut() {
        var all: [Connection] = []
        state.change {
            all = $0.connections
            $0.connections = []
        }
        for connection in all { connection.cut() }
    }

    /// New connections are closed at once, until `open`.
    func refuse() { state.change { $0.isOpen = false } }
    func open() { state.change { $0.isOpen = true } }

    /// What clients said at first, one for each connection.
    var captures: [Data] { state.current.captures }

    /// Connections made so far.
    var accepted: Int { state.current.accepted }

    /// Waits until this many connections were made.
    func accepted(_ count: Int, _ limit: Duration = .seconds(30)) throws {
        guard state.wait(limit, for: { $0.accepted >= count ? true : nil }) != nil else {
            throw TimeLimitExceeded(
                description: "\(accepted) of \(count) connections within \(limit)")
        }
    }

    /// Waits until this many bytes went through.
    func carried(_ count: Int, _ limit: Duration = .seconds(30)) throws {
        guard state.wait(limit, for: { $0.bytes >= count ? true : nil }) != nil else {
            throw TimeLimitExceeded(
                description: "\(state.current.bytes) of \(count) bytes within \(limit)")
        }
    }
}

/// Plain TCP on loopback.
enum Socket {
    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func make() throws -> Descriptor {
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let made = try Descriptor(socket(AF_INET, type, 0), "socket")
        var one: CInt = 1
        setsockopt(
            made.raw, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        return made
    }

    private static func with<Result>(
        _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = address(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }

    /// Listens on a port that the kernel chooses.
    static func listen() throws -> (Descriptor, port: Int) {
        let made = try make()
        guard with(0, { bind(made.raw, $0, $1) }) == 0, Glibc.listen(made.raw, 4096) == 0 else {
            throw SystemFailure("listen")
        }
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(made.raw, $0, &size)
            }
        }
        return (made, Int(in_port_t(bigEndian: name.sin_port)))
    }

    /// A port that nobody listens on: it was free a moment ago.
    static func unusedPort() throws -> Int {
        let (listening, port) = try listen()
        listening.close()
        return port
    }

    static func connect(_ port: Int) throws -> Descriptor {
        let made = try make()
        guard with(port, { Glibc.connect(made.raw, $0, $1) }) == 0 else {
            throw SystemFailure("connect to port \(port)")
        }
        return made
    }

    /// Nil once the socket is closed.
    static func accept(_ listening: Descriptor) -> Descriptor? {
        while listening.isReadable(within: .seconds(3600)) {
            let accepted = Spawn.lock.withLock {
                let raw = Glibc.accept(listening.raw, nil, nil)
                return raw < 0 ? nil : try? Descriptor(raw, "accept")
            }
            if let accepted { return accepted }
            if errno != EINTR, errno != ECONNABORTED { return nil }
        }
        return nil
    }
}

/// A server that says its piece to everybody who connects.
final class ScriptedServer: Sendable {
    private let listening: Descriptor
    private let connections = Watched<[Descriptor]>([])
    let port: Int
    var endpoint: String { "127.0.0.1:\(port)" }

    /// `script` runs on a thread of its own per connection, which is closed when it returns.
    init(_ script: @escaping @Sendable (Descriptor) -> Void) throws {
        (listening, port) = try Socket.listen()
        Thread.detachNewThread { [listening, connections] in
            while let client = Socket.accept(listening) {
                connections.change { $0.append(client) }
                Thread.detachNewThread {
                    script(client)
                    client.close()
                }
            }
        }
    }

    /// Connections accepted so far.
    var accepted: Int { connections.current.count }

    func stop() {
        shutdown(listening.raw, CInt(SHUT_RDWR))
        for connection in connections.current { shutdown(connection.raw, CInt(SHUT_RDWR)) }
    }
}

extension Stage {
    /// A relay in front of this listener, for the length of the test.
    func relay(to listener: Listener, lifetime: Duration? = nil) throws -> Relay {
        try relay(to: listener.port, lifetime: lifetime)
    }

    func relay(to port: Int, lifetime: Duration? = nil) throws -> Relay {
        let relay = try Relay(to: port, lifetime: lifetime)
        atEnd { relay.stop() }
        return relay
    }

    func server(_ script: @escaping @Sendable (Descriptor) -> Void) throws -> ScriptedServer {
        let server = try ScriptedServer(script)
        atEnd { server.stop() }
        return server
    }
}
