import FTSLCore
import NIOCore

/// An inbox with consumers at the ends of connections that can be cut after any frame.
final class ConsumerRig {
    var inbox = MemoryInbox()
    var limits = InboxLimits()
    var queue = InboxQueue()
    var host: ConsumerHost
    var now = Instant.ms(0)
    /// What the store was asked.
    var requests: [InboxRequest] = []
    /// Answers are held back while this is set.
    var isStoreSlow = false
    private var sessions: UInt64 = 0

    init() {
        host = ConsumerHost(identity: inbox.identity, queue: queue)
    }

    func store(_ texts: String..., topic: String = "t") {
        for text in texts { inbox.put(text, topic: topic) }
        host.stored(upTo: inbox.nextIndex)
    }

    /// The inbox's process dies and comes back; `raising` its start counter, as it must.
    func restart(raising: Bool = true) {
        if raising { inbox.identity.generation.starts += 1 }
        queue = InboxQueue()
        host = ConsumerHost(identity: inbox.identity, queue: queue)
        host.stored(upTo: inbox.nextIndex)
    }

    func member(
        permissions: InboxPermissions = .everything, payload: Int = 65_536
    ) -> ConsumerMember {
        sessions += 1
        return host.makeMember(
            session: SessionID(high: 0, low: sessions), permissions: permissions,
            payload: payload)
    }

    /// The store answers what it was asked.
    func run() {
        guard !isStoreSlow else { return }
        while let (id, request) = queue.nextRequest() {
            requests.append(request)
            do {
                host.reply(id, try inbox.answer(request, limits: limits), now: now)
            } catch {
                preconditionFailure("\(error)")
            }
        }
    }

    func pass(milliseconds: Int) {
        now = now + .milliseconds(milliseconds)
        while host.deadline <= now { host.handleTimeout(now: now) }
        run()
    }
}

/// Frames of a port, as the peer would read them.
func frames(of port: any MessagePort, now: Instant, limit: Int = 1 << 20) -> [MessageFrame] {
    var writer = FrameWriter()
    port.transmit(into: &writer, limit: limit, now: now)
    var out: [ByteBuffer] = []
    _ = writer.finish(into: &out)
    var decoder = FrameDecoder(maxPayload: 65_536)
    decoder.append(joined(out))
    var frames: [MessageFrame] = []
    do throws(Failure) {
        while let element = try decoder.next() {
            guard case .message(let frame) = element else { preconditionFailure("a stream frame") }
            frames.append(frame)
        }
    } catch { preconditionFailure(error.text) }
    return frames
}

/// A consumer of a rig: a port, the member at the other end, and what the application saw.
final class Consumer {
    let rig: ConsumerRig
    let port: ConsumerPort
    var member: ConsumerMember
    var effects: [ConsumerPort.Effect] = []
    /// What was given whole, in order, and not dropped.
    var bodies: [(index: UInt64, text: String)] = []
    private var coming = ByteBuffer()
    /// Answers DONE to whatever is whole.
    var answersAtOnce = false
    var takesAtOnce = true
    var isAttached = false
    /// The connection is cut after so many more frames.
    var framesLeft = Int.max
    var framesSeen = 0

    init(
        _ rig: ConsumerRig, _ kind: MessageFrame.Subscribe.Kind? = .cursor, name: String = "c",
        permissions: InboxPermissions = .everything,
        _ adjust: (inout ConsumerPort.Configuration) -> Void = { _ in }
    ) {
        self.rig = rig
        var configuration = ConsumerPort.Configuration(kind: kind)
        configuration.cursor = kind == .ephemeral ? "" : name
        configuration.start = .beginning
        adjust(&configuration)
        port = ConsumerPort(configuration)
        member = rig.member(permissions: permissions)
    }

    func attach() {
        isAttached = true
        port.attached(now: rig.now)
        member.attached(now: rig.now)
    }

    func cut() {
        guard isAttached else { return }
        isAttached = false
        port.detached(now: rig.now)
        member.detached(now: rig.now)
        drain()
        rig.run()
    }

    /// Attached, and all said that there is to say.
    @discardableResult
    func connect() -> Consumer {
        attach()
        exchange()
        return self
    }

    func exchange() {
        while isAttached, step() {}
    }

    private func step() -> Bool {
        rig.run()
        let up = frames(of: port, now: rig.now)
        for frame in up {
            guard passes() else { return false }
            expectLawful { () throws(Failure) in try member.receive(frame, now: rig.now) }
        }
        rig.run()
        let down = frames(of: member, now: rig.now)
        for frame in down {
            guard passes() else { return false }
            expectLawful { () throws(Failure) in try port.receive(frame, now: rig.now) }
        }
        drain()
        return !up.isEmpty || !down.isEmpty
    }

    private func passes() -> Bool {
        guard framesLeft > 0 else {
            framesLeft = .max
            cut()
            return false
        }
        framesLeft -= 1
        framesSeen += 1
        return true
    }

    private func expectLawful(_ body: () throws(Failure) -> Void) {
        if let code = code(body) { preconditionFailure("an honest end was accused of \(code)") }
    }

    func drain() {
        while let effect = port.nextEffect() {
            effects.append(effect)
            switch effect {
            case .began, .dropped: coming = ByteBuffer()
            case .body(_, let bytes):
                coming.writeImmutableBuffer(bytes)
                if takesAtOnce { port.took(messages: 0, bytes: UInt64(bytes.readableBytes)) }
            case .complete(let index):
                bodies.append((index.value, String(buffer: coming)))
                if takesAtOnce { port.took(messages: 1, bytes: 0) }
                if answersAtOnce { port.done(index) }
            case .subscribed, .settled, .returned, .caughtUp, .refused: break
            }
        }
    }

    var indexes: [UInt64] { bodies.map(\.index) }
    var texts: [String] { bodies.map(\.text) }
    var caughtUp: [UInt64] {
        effects.compactMap { if case .caughtUp(let index) = $0 { index.value } else { nil } }
    }
    var refusals: [FailureCode] {
        effects.compactMap { if case .refused(let failure) = $0 { failure.code } else { nil } }
    }
    var attempts: [UInt32] {
        effects.compactMap { if case .began(_, let attempt, _) = $0 { attempt } else { nil } }
    }

    func verdict(on index: UInt64) -> MessageFrame.SettleVerdict? {
        for case .settled(InboxIndex(index), let verdict) in effects.reversed() { return verdict }
        return nil
    }

    func done(_ index: UInt64) {
        port.done(InboxIndex(index))
        exchange()
    }

    func retry(_ index: UInt64, after milliseconds: Int = 0) {
        port.retry(InboxIndex(index), after: .milliseconds(milliseconds))
        exchange()
    }
}
