internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// Leaving a checkpoint, and going on from one.
extension Application {
    /// All that the program knows; of its session nothing.
    struct Checkpoint {
        var writers: [Writer]
        var readers: [Reader]
        var rng: SimulationRandom
        var exitAsked: Bool
        var aborted: Failure?
        /// Received and not used: what the next one reads first.
        var unread: ByteBuffer
    }

    /// Stops. The last `unused` bytes that it took were lying in its pipe, and it gives them back.
    func checkpoint(unused: Int) -> Checkpoint {
        var left = Checkpoint(
            writers: writers, readers: readers, rng: rng, exitAsked: exitAsked, aborted: aborted,
            unread: ByteBuffer())
        if readers[0].stoppedAt == nil {
            let reader = readers[0]
            let count = min(UInt64(max(0, unused)), reader.taken)
            left.readers[0].taken -= count
            left.unread = reader.stream.bytes(from: reader.taken - count, count: Int(count))
            for bytes in reader.queue { left.unread.writeImmutableBuffer(bytes) }
            if left.unread.readableBytes > 0 { left.readers[0].endTaken = false }
            if !left.readers[0].endTaken { left.readers[0].sawEnd = false }
        }
        left.readers[0].queue = []
        die()
        return left
    }

    /// The same program, in a process of its own.
    func goOn(from left: Checkpoint) {
        writers = left.writers
        readers = left.readers
        rng = left.rng
        exitAsked = left.exitAsked
        aborted = left.aborted
        for index in writers.indices { writers[index].isAsleep = false }
        for index in readers.indices { readers[index].isAsleep = false }
    }

    /// Call once what was unread is among the session's events.
    func awake(now: Instant) {
        for index in writers.indices { write(index, now: now) }
        for index in readers.indices { read(index, now: now) }
        guard exitAsked else { return }
        wakes.append((.exit, UInt64(script.exitDelay) * 1_000_000))
    }
}
