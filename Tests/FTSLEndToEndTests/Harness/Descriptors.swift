import Foundation

/// Something the system refused; the test that meets it fails with this sentence.
struct SystemFailure: Error, CustomStringConvertible {
    var description: String

    init(_ what: String, code: CInt = errno) {
        description = "\(what): \(String(cString: strerror(code)))"
    }
}

/// A descriptor that is closed when nobody needs it any more, and never leaks into a child.
final class Descriptor: @unchecked Sendable {
    private let lock = NSLock()
    private var number: CInt

    /// Takes the descriptor over.
    ///
    /// It is moved above the numbers that children use, so that handing it on cannot clash.
    init(_ raw: CInt, _ what: @autoclosure () -> String) throws {
        guard raw >= 0 else { throw SystemFailure(what()) }
        number = fcntl(raw, F_DUPFD_CLOEXEC, 100)
        let code = errno
        Glibc.close(raw)
        guard number >= 0 else { throw SystemFailure(what(), code: code) }
    }

    convenience init(opening path: String, _ flags: CInt = O_RDWR, mode: mode_t = 0o600) throws {
        try self.init(Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY, mode), "open \(path)")
    }

    deinit { close() }

    var raw: CInt { lock.withLock { number } }

    /// Closes it; whoever reads the other end sees the end.
    func close() {
        lock.withLock {
            if number >= 0 { Glibc.close(number) }
            number = -1
        }
    }

    /// The status flags shared by everybody who has this open file.
    var isNonBlocking: Bool { fcntl(raw, F_GETFL) & O_NONBLOCK != 0 }

    /// Closes a connection so that the peer sees a reset and not an end.
    func reset() {
        var none = linger(l_onoff: 1, l_linger: 0)
        setsockopt(raw, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
        shutdown(raw, CInt(SHUT_RD))
        close()
    }

    /// Writes all of it; false when the reader went away.
    @discardableResult
    func write(_ bytes: some ContiguousBytes) -> Bool {
        bytes.withUnsafeBytes { all in
            var rest = all[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Glibc.write(raw, part.baseAddress, part.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }

    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// Reads what is there, waiting for the first byte; empty at the end, nil at an error.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        while true {
            let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { return nil }
        }
    }

    /// True when it can be read, or has ended, within the limit.
    func isReadable(within limit: Duration) -> Bool {
        var waiting = pollfd(fd: raw, events: CShort(POLLIN), revents: 0)
        let deadline = ContinuousClock.now + limit
        while true {
            let left = max(.zero, deadline - ContinuousClock.now)
            let count = poll(&waiting, 1, CInt(left / .milliseconds(1)) + 1)
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }

    // MARK: Kinds

    static func pipe() throws -> (read: Descriptor, write: Descriptor) {
        var ends: [CInt] = [-1, -1]
        // No program may start between the making and the marking: it would keep an end open.
        let made = Spawn.lock.withLock {
            let code = Glibc.pipe(&ends)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return code == 0
        }
        guard made else { throw SystemFailure("pipe") }
        return (try Descriptor(ends[0], "pipe"), try Descriptor(ends[1], "pipe"))
    }

    static func socketPair() throws -> (Descriptor, Descriptor) {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemFailure("socketpair") }
        return (try Descriptor(ends[0], "socketpair"), try Descriptor(ends[1], "socketpair"))
    }
}

/// A pseudo-terminal: `master` is the person in front of it, `path` what a program opens.
struct PseudoTerminal {
    let master: Descriptor
    /// Kept open so that the terminal's modes can be read after its program has gone.
    let slave: Descriptor
    let path: String

    init() throws {
        master = try Descriptor(opening: "/dev/ptmx")
        var number: CInt = 0
        var locked: CInt = 0
        guard ioctl(master.raw, UInt(TIOCSPTLCK), &locked) == 0,
            ioctl(master.raw, UInt(TIOCGPTN), &number) == 0
        else { throw SystemFailure("unlock a terminal") }
        path = "/dev/pts/\(number)"
        slave = try Descriptor(opening: path)
    }

    /// The modes of the line discipline and the shared descriptor flags, to be compared.
    struct Modes: Equatable {
        var input, output, control, local: UInt32
        var characters: [UInt8]
        var isNonBlocking: Bool
    }

    var modes: Modes {
        var now = termios()
        tcgetattr(slave.raw, &now)
        let characters = withUnsafeBytes(of: now.c_cc) { Array($0) }
        return Modes(
            input: now.c_iflag, output: now.c_oflag, control: now.c_cflag, local: now.c_lflag,
            characters: characters, isNonBlocking: slave.isNonBlocking)
    }
}

private let TIOCSPTLCK: UInt32 = 0x4004_5431
private let TIOCGPTN: UInt32 = 0x8004_5430
