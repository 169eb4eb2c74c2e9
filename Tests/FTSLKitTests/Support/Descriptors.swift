import Glibc
import NIOCore

/// A pipe, closed when the test is over.
final class Pipe {
    private(set) var read: CInt
    private(set) var write: CInt

    init() throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemTrouble(call: "pipe") }
        for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        (read, write) = (ends[0], ends[1])
    }

    /// Somebody else closes this end.
    func giveAwayRead() -> CInt {
        defer { read = -1 }
        return read
    }

    func giveAwayWrite() -> CInt {
        defer { write = -1 }
        return write
    }

    func closeRead() { if read >= 0 { close(giveAwayRead()) } }
    func closeWrite() { if write >= 0 { close(giveAwayWrite()) } }

    deinit {
        closeRead()
        closeWrite()
    }
}

enum Raw {
    static func setNonBlocking(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    static func isOpen(_ descriptor: CInt) -> Bool { fcntl(descriptor, F_GETFD) != -1 }

    /// Everything up to the end.
    static func readAll(_ descriptor: CInt) throws -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count == 0 { return all }
            guard count > 0 else { throw SystemTrouble(call: "read") }
            all += piece[..<count]
        }
    }

    static func writeAll(_ bytes: [UInt8], to descriptor: CInt) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw SystemTrouble(call: "write") }
            rest.removeFirst(count)
        }
    }

    /// An empty file without a name.
    static func temporaryFile() throws -> CInt {
        var template = Array("/tmp/ftsl-kit-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw SystemTrouble(call: "mkstemp") }
        unlink(template)
        return descriptor
    }

    /// Bytes of a position-dependent pattern: a swapped or lost piece shows.
    static func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
        (start..<start + count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) }
    }
}

/// A plain TCP server for one client, blocking.
final class PlainServer {
    private let listening: CInt
    let port: Int

    init() throws {
        listening = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listening
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard code else { throw SystemTrouble(call: "bind") }
        port = Int(in_port_t(bigEndian: address.sin_port))
    }

    func accept() throws -> CInt {
        let descriptor = Glibc.accept(listening, nil, nil)
        guard descriptor >= 0 else { throw SystemTrouble(call: "accept") }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    deinit { close(listening) }
}
