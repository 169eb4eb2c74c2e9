/// What one end's application writes to one channel.
package struct WriteScript: Sendable {
    package var total: UInt64
    package var chunk: Int
    /// Between two writes, in milliseconds; 0: as fast as there is room.
    package var pause = 0
    /// Writes only after it has read the peer's end, like `sort`.
    package var afterPeerEnd = false
    /// Keeps its own end open until it has read the peer's.
    package var endsLast = false

    package init(total: UInt64, chunk: Int = 1 << 20) {
        self.total = total
        self.chunk = chunk
    }
}

/// How one end's application reads one channel.
package struct ReadScript: Sendable {
    /// At most this many bytes at a time.
    package var chunk = Int.max
    /// Between two reads, in milliseconds.
    package var pause = 0
    /// Reads nothing for so long after the first byte came, in milliseconds.
    package var firstPause = 0
    /// Goes away after taking so many bytes.
    package var stopAfter: UInt64?

    package init() {}
}

/// One end's application: an echo, a filter, a file transfer, a command, a reader that gives up.
package struct Script: Sendable {
    package var write: WriteScript
    package var read = ReadScript()
    /// Channel 1; only where the service has it.
    package var writeError = WriteScript(total: 0)
    package var readError = ReadScript()
    /// Gives up after having written so much of channel 0.
    package var abortAfter: UInt64?
    /// Gives up so long after its own end of channel 0, in milliseconds: often too late.
    package var abortLate: Int?
    /// The command's end, so long after its output ended, in milliseconds.
    package var exitDelay = 0

    package init(write: WriteScript) { self.write = write }
}
