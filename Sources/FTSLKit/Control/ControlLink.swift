package import FTSLCore
internal import FTSLTransport
internal import Glibc

/// A command's end of a control socket: blocks, but never longer than it was told to.
package final class ControlLink {
    package struct Lost: Error, Equatable {
        package var text: String
        /// Nobody listens there.
        package var isAbsent = false
        /// The socket is another user's.
        package var isForeign = false
    }

    /// The longest line of an answer, in bytes.
    package static let maxLine = 1 << 20
    private let descriptor: CInt
    private var buffer: [UInt8] = []
    /// Everything before was searched for a newline.
    private var searched = 0

    package init(_ path: String) throws(Lost) {
        guard path.utf8.count <= UnixSocketFile.maxPath else {
            throw Lost(text: "\(path) is too long for a socket", isAbsent: true)
        }
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw Lost(text: TransportFailure.text(of: errno)) }
        // At once or not at all: a Unix socket whose queue is full is not waited for.
        guard UnixSocketFile.withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
            let isAbsent = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTSOCK
            throw Lost(text: TransportFailure.text(of: errno), isAbsent: isAbsent)
        }
        let user = UnixPeer.user(of: descriptor)
        guard user == geteuid() || user == 0 || geteuid() == 0 else {
            throw Lost(text: "\(path) is served by another user", isForeign: true)
        }
    }

    /// An end of a conversation that is there already; owned from here.
    package init(adopting descriptor: CInt) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Nothing more will be asked.
    package func finish() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// `line` has its newline.
    package func send(_ line: String, by deadline: Instant) throws(Lost) {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let flags = CInt(MSG_NOSIGNAL)
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, flags)
            }
            if count > 0 {
                rest.removeFirst(count)
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, by: deadline)
            } else if errno != EINTR {
                // A refusal may have come before the end of the connection.
                return
            }
        }
    }

    /// The next line without its newline.
    package func line(by deadline: Instant) throws(Lost) -> [UInt8] {
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                let line = Array(buffer[..<end])
                buffer.removeSubrange(...end)
                searched = 0
                return line
            }
            searched = buffer.count
            guard buffer.count < Self.maxLine else { throw Lost(text: "its answer has no end") }
            try fill(by: deadline)
        }
    }

    private func fill(by deadline: Instant) throws(Lost) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            buffer += chunk.prefix(count)
        } else if count == 0 || errno == ECONNRESET {
            throw Lost(text: "it ended the conversation without an answer")
        } else if errno == EAGAIN {
            try wait(for: POLLIN, by: deadline)
        } else if errno != EINTR {
            throw Lost(text: TransportFailure.text(of: errno))
        }
    }

    private func wait(for events: CInt, by deadline: Instant) throws(Lost) {
        let left = deadline.since(MonotonicClock.now)
        guard left > .zero else { throw Lost(text: "it does not answer") }
        var polled = pollfd(fd: descriptor, events: CShort(events), revents: 0)
        let milliseconds = CInt(clamping: left.wholeNanoseconds / 1_000_000 + 1)
        _ = poll(&polled, 1, milliseconds)
    }
}
