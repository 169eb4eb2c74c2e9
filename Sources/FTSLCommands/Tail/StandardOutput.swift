internal import Glibc

enum StandardOutput {
    /// Nobody will ever read what is written there.
    static var isReaderGone: Bool {
        var polled = pollfd(fd: 1, events: 0, revents: 0)
        return poll(&polled, 1, 0) > 0 && polled.revents & CShort(POLLERR) != 0
    }
}
