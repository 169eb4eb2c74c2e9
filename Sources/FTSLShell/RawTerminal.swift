internal import Glibc

/// Bytes to the terminal, past readline.
enum RawTerminal {
    /// Short texts of our own; a terminal that takes nothing is waited for.
    static func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = write(rest, to: 1)
            if count > 0 {
                rest.removeFirst(count)
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: 1, events: CShort(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, 1000)
            } else if errno != EINTR {
                // A terminal that is gone: its hang-up is told elsewhere.
                return
            }
        }
    }

    /// As write(2).
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: CInt) -> Int {
        bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    /// The terminal opened once more, so that not to wait for it is nobody else's business; -1
    /// where that cannot be.
    static func openAgain() -> CInt {
        open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
    }
}
