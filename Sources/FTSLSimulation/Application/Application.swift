internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// The program at one end of one session: plays its script and checks every byte it is given.
///
/// It knows the session's calls and nothing of connections. Waking up later is asked for through
/// `wake`.
final class Application {
    enum Wake: Hashable {
        case write(ChannelNumber)
        case read(ChannelNumber)
        case exit
        case abort
    }

    struct Writer {
        let channel: ChannelNumber
        let script: WriteScript
        let stream: PseudoStream
        var written: UInt64 = 0
        var ended = false
        var stopped = false
        var isAsleep = false
    }

    struct Reader {
        let channel: ChannelNumber
        let script: ReadScript
        let stream: PseudoStream
        var queue = Deque<ByteBuffer>()
        var taken: UInt64 = 0
        var sawEnd = false
        var endTaken = false
        var stoppedAt: UInt64?
        var isAsleep = false
        var hasStarted = false
    }

    let role: Role
    let client: Int
    /// Which run of the client's service this is.
    let life: Int
    let session: Session
    let script: Script
    var writers: [Writer]
    var readers: [Reader]
    var rng: SimulationRandom
    /// Filled by the calls below; the world empties it: wake me after so many nanoseconds.
    var wakes: [(Wake, after: UInt64)] = []
    /// The first wrong thing seen: what the application read is not what the other wrote.
    var complaint: String?
    var aborted: Failure?
    private(set) var isDead = false
    var exitAsked = false
    var mutation: Mutation?

    init(
        role: Role, client: Int, life: Int, session: Session, script: Script, seed: UInt64
    ) {
        self.role = role
        self.client = client
        self.life = life
        self.session = session
        self.script = script
        rng = SimulationRandom(seed: seed &+ (role == .initiator ? 1 : 2))
        func stream(_ direction: Direction, _ channel: ChannelNumber) -> PseudoStream {
            PseudoStream(
                seed: seed &* 4 &+ UInt64(channel.value) &* 2 &+ (direction == .up ? 0 : 1))
        }
        let out: Direction = role == .initiator ? .up : .down
        let back: Direction = role == .initiator ? .down : .up
        writers = session.sendingChannels.map { send in
            Writer(
                channel: send.number,
                script: send.number == .main ? script.write : script.writeError,
                stream: stream(out, send.number))
        }
        readers = session.receivingChannels.map { receive in
            Reader(
                channel: receive.number,
                script: receive.number == .main ? script.read : script.readError,
                stream: stream(back, receive.number))
        }
    }

    /// The process died: nothing of it counts any more.
    func die() { isDead = true }

    func start(now: Instant) {
        for index in writers.indices { write(index, now: now) }
    }

    func woken(_ wake: Wake, now: Instant) {
        switch wake {
        case .write(let channel):
            guard let index = writers.firstIndex(where: { $0.channel == channel }) else { return }
            writers[index].isAsleep = false
            write(index, now: now)
        case .read(let channel):
            guard let index = readers.firstIndex(where: { $0.channel == channel }) else { return }
            readers[index].isAsleep = false
            read(index, now: now)
        case .exit:
            session.exit(.status(UInt8(truncatingIfNeeded: client + 7)))
        case .abort: giveUp()
        }
    }

    func handle(_ event: SessionEvent, now: Instant) {
        switch event {
        case .data(let channel, let bytes):
            guard let index = readers.firstIndex(where: { $0.channel == channel }) else { return }
            received(bytes, index, now: now)
        case .finished(let channel):
            guard let index = readers.firstIndex(where: { $0.channel == channel }) else { return }
            readers[index].sawEnd = true
            read(index, now: now)
        case .stopped(let channel, _):
            guard let index = writers.firstIndex(where: { $0.channel == channel }) else { return }
            writers[index].stopped = true
            writers[index].ended = true
            considerExit()
        case .room(let channel):
            guard let index = writers.firstIndex(where: { $0.channel == channel }) else { return }
            write(index, now: now)
        case .exited, .terminal, .detach, .settled, .over: return
        }
    }

    // MARK: Writing

    private func mayWrite(_ writer: Writer) -> Bool {
        !writer.ended && !writer.isAsleep && session.outcome == nil
            && (!writer.script.afterPeerEnd || hasReadPeerEnd)
    }

    private var hasReadPeerEnd: Bool { readers[0].endTaken || readers[0].stoppedAt != nil }

    func write(_ index: Int, now: Instant) {
        let script = writers[index].script
        while mayWrite(writers[index]), writers[index].written < script.total {
            let writer = writers[index]
            if writer.channel == .main, let after = self.script.abortAfter, writer.written >= after
            {
                giveUp()
                return
            }
            let left = Int(clamping: script.total - writer.written)
            var count = min(rng.within(1...max(1, script.chunk)), left)
            if mutation != .ignoresRoom { count = min(count, session.room(on: writer.channel)) }
            guard count > 0 else { return }
            session.write(
                writer.stream.bytes(from: writer.written, count: count), to: writer.channel)
            writers[index].written += UInt64(count)
            if script.pause > 0 {
                writers[index].isAsleep = true
                wakes.append((.write(writer.channel), UInt64(script.pause) * 1_000_000))
                return
            }
        }
        finish(index)
    }

    private func finish(_ index: Int) {
        let writer = writers[index]
        guard mayWrite(writer), writer.written >= writer.script.total,
            !writer.script.endsLast || hasReadPeerEnd
        else { return }
        writers[index].ended = true
        session.finish(writer.channel)
        if writer.channel == .main, let late = script.abortLate {
            wakes.append((.abort, UInt64(late) * 1_000_000))
        }
        considerExit()
    }

    private func considerExit() {
        guard role == .acceptor, !exitAsked, writers.allSatisfy(\.ended) else { return }
        exitAsked = true
        wakes.append((.exit, UInt64(script.exitDelay) * 1_000_000))
    }

    private func giveUp() {
        let failure = Failure(.local, .applicationFailed, "the script says so")
        if session.abort(failure) { aborted = failure }
    }

    // MARK: Reading

    private func received(_ bytes: ByteBuffer, _ index: Int, now: Instant) {
        if mutation == .acknowledgesUnread {
            // What is told to the peer as taken has not reached the application.
            session.took(bytes.readableBytes, from: readers[index].channel, now: now)
        }
        if mutation == .losesBytes, readers[index].hasStarted, rng.chance(20) {
            session.took(bytes.readableBytes, from: readers[index].channel, now: now)
            return
        }
        readers[index].queue.append(bytes)
        if mutation == .deliversTwice { readers[index].queue.append(bytes) }
        if !readers[index].hasStarted {
            readers[index].hasStarted = true
            if readers[index].script.firstPause > 0 {
                sleep(index, milliseconds: readers[index].script.firstPause)
            }
        }
        read(index, now: now)
    }

    private func sleep(_ index: Int, milliseconds: Int) {
        readers[index].isAsleep = true
        wakes.append((.read(readers[index].channel), UInt64(milliseconds) * 1_000_000))
    }

    func read(_ index: Int, now: Instant) {
        let script = readers[index].script
        while !readers[index].isAsleep, readers[index].stoppedAt == nil {
            if let stop = script.stopAfter, readers[index].taken >= stop,
                readers[index].hasStarted || readers[index].sawEnd, !readers[index].endTaken
            {
                stopReading(index, now: now)
                return
            }
            let stop = script.stopAfter.map { Int(clamping: $0 - readers[index].taken) } ?? .max
            let count = consume(index, limit: min(script.chunk, stop))
            guard count > 0 else { break }
            if mutation != .acknowledgesUnread {
                let known = mutation == .deliversTwice ? buffered(index) : count
                session.took(min(count, known), from: readers[index].channel, now: now)
            }
            if script.pause > 0 { sleep(index, milliseconds: script.pause) }
        }
        takeEnd(index, now: now)
    }

    private func buffered(_ index: Int) -> Int {
        Int(clamping: session.receivingChannels[index].buffered)
    }

    /// One read(): as much as there is, up to `limit`.
    private func consume(_ index: Int, limit: Int) -> Int {
        var count = 0
        while count < limit, var bytes = readers[index].queue.popFirst() {
            guard let piece = bytes.readSlice(length: min(limit - count, bytes.readableBytes))
            else { break }
            if bytes.readableBytes > 0 { readers[index].queue.prepend(bytes) }
            check(piece, index)
            count += piece.readableBytes
            readers[index].taken += UInt64(piece.readableBytes)
        }
        return count
    }

    private func check(_ bytes: ByteBuffer, _ index: Int) {
        let reader = readers[index]
        guard complaint == nil,
            let at = reader.stream.firstDifference(bytes, at: reader.taken)
        else { return }
        complaint = "\(role) of client \(client) read a wrong byte at \(at)"
    }

    private func takeEnd(_ index: Int, now: Instant) {
        let reader = readers[index]
        guard reader.sawEnd, !reader.endTaken, reader.queue.isEmpty, !reader.isAsleep,
            reader.stoppedAt == nil
        else { return }
        readers[index].endTaken = true
        session.tookEnd(reader.channel)
        for writer in writers.indices { write(writer, now: now) }
    }

    private func stopReading(_ index: Int, now: Instant) {
        readers[index].stoppedAt = readers[index].taken
        readers[index].queue.removeAll()
        session.stopReading(readers[index].channel, now: now)
        for writer in writers.indices { write(writer, now: now) }
    }
}
