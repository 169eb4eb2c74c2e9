internal import DequeModule
internal import NIOCore

/// One LANE and what follows it on its attachment, at the inbox. [FTSL §7.2]
final class InboxLane {
    /// What the store is asked to do, in the order of the lane's frames.
    enum Step {
        case message(IncomingMessage)
        case skip(LaneSequence, SkipReason, ChainValue)
        case reject(LaneSequence, FailureCode, Envelope, BodyDigest)
        case piece(LaneSequence, at: UInt64, ByteBuffer)
        case recorded(below: LaneSequence)
    }

    /// What an answer of the store is for.
    enum Question {
        case open
        /// Everything below `end` should be resolved now; `exception` is that of a lane which the
        /// store does not remember.
        case progress(end: LaneSequence, bytes: UInt64, exception: LaneException?)
        case piece(bytes: UInt64)
    }

    enum Phase: Equatable {
        case opening
        case open
        /// Refused or superseded; its frames are not looked at any more.
        case closed
    }

    let producer: ProducerID
    let mode: DeliveryMode
    let session: SessionID
    let owner: String
    let settledBelow: LaneSequence
    private let topics: TopicFilter
    unowned let host: InboxHost
    var phase = Phase.opening
    var refusal: Failure?
    var owesReady = false
    var owesAccepted = false

    // What is on disk.
    var cursor: ProducerCursor
    var isDurable: Bool { mode == .exactlyOnce }
    var hasRoom = true
    var probeAt = Instant.distantFuture

    // What was received on this attachment.
    var expected: LaneSequence
    var body: IncomingBody?
    var steps = Deque<(step: Step, bytes: UInt64)>()
    var stepBytes = 0
    var asked = 0
    var piecesAsked = 0
    var received: UInt64 = 0
    var attributed: UInt64 = 0
    var resolved: UInt64 = 0

    // What the peer was told.
    var sequenceLimit = LaneSequence.first
    var byteLimit: UInt64 = 0

    init(_ frame: MessageFrame.Lane, port: InboxPort, host: InboxHost) {
        producer = frame.producer
        mode = frame.mode
        session = port.session
        owner = port.owner
        topics = port.permissions.send ?? TopicFilter([""])
        self.host = host
        cursor = ProducerCursor(producer: frame.producer, owner: port.owner)
        settledBelow = frame.settledBelow
        expected = frame.oldestRetained
        host.opened(self)
        host.ask(
            .openLane(
                frame.producer, owner: port.owner, frame.mode, oldest: frame.oldestRetained,
                settledBelow: frame.settledBelow), .open, for: self)
    }

    var isClosed: Bool { phase == .closed }
    /// When to ask again whether there is room.
    var deadline: Instant { probeAt }

    /// The attachment is gone, or a newer lane took over: keeps what that could use.
    func leave(for failure: Failure?) {
        guard phase != .closed else { return }
        if phase == .open { advance() }
        let kept = steps.isEmpty && mode != .atMostOnce ? body : nil
        close(failure)
        var memory = host.memory(of: producer) ?? LaneMemory()
        memory.body = kept
        memory.body?.interrupt()
        host.remember(
            memory.body == nil && memory.cursor == nil ? nil : memory, of: producer)
    }

    func close(_ failure: Failure?) {
        guard phase != .closed else { return }
        phase = .closed
        refusal = failure
        owesReady = false
        owesAccepted = false
        steps = []
        body = nil
        probeAt = .distantFuture
        host.closed(self)
        if failure != nil { host.wake(session) }
    }

    // MARK: Frames from the producer

    func receive(_ fragment: MessageFrame.Fragment) throws(Failure) {
        guard phase == .open else { return try refuseEarly() }
        let count = UInt64(fragment.bytes.readableBytes)
        guard fragment.sequence < sequenceLimit, count <= byteLimit - received else {
            throw .violation(.creditOverrun, "message \(fragment.sequence.value) beyond credit")
        }
        received += count
        if fragment.sequence < expected {
            // Resolved before, or rejected at its head: nothing is held of it.
            attributed += count
            resolved += count
            return tellBytes()
        }
        guard fragment.sequence == expected else {
            throw .gap(at: fragment.sequence, after: expected)
        }
        if let head = fragment.head {
            try begin(head, fragment)
        } else if body?.isInterrupted == false {
            try body?.append(fragment)
        } else {
            throw .violation(.positionGap, "message \(expected.value) goes on without beginning")
        }
        finishBody()
    }

    private func begin(
        _ head: MessageFrame.Head, _ fragment: MessageFrame.Fragment
    ) throws(Failure) {
        if body?.continues(with: fragment) == true {
            try body?.append(fragment)
            return
        }
        guard body?.isInterrupted != false, fragment.offset == 0 else {
            throw .violation(
                .positionGap, "message \(expected.value) begins at \(fragment.offset)")
        }
        forgetBody()
        if let code = objection(to: head) {
            add(.reject(expected, code, head.envelope, head.digest))
            expected = expected.next
            return
        }
        if UInt64(fragment.bytes.readableBytes) == head.digest.count {
            // The usual case, without a body in progress.
            guard BodyDigest(of: fragment.bytes) == head.digest else {
                throw .violation(.digestMismatch, "message \(expected.value) is not what was sent")
            }
            let whole: Body =
                head.digest.count > Bound.inlineBody
                ? .pieces(head.digest) : .inline(fragment.bytes)
            if case .pieces = whole { add(.piece(expected, at: 0, fragment.bytes)) }
            addMessage(head, whole)
            return
        }
        var begun = IncomingBody(expected, head)
        try begun.append(fragment)
        body = begun
    }

    private func objection(to head: MessageFrame.Head) -> FailureCode? {
        if head.digest.count > host.limits.maxMessage { return .messageTooLarge }
        return topics.matches(head.envelope.topic) ? nil : .topicForbidden
    }

    /// Hands on what has come of a body in parts.
    private func finishBody() {
        guard let progress = body else { return }
        if progress.isComplete || progress.bytes.readableBytes >= Bound.piece { addPiece() }
        guard progress.isComplete else { return }
        let whole: Body =
            progress.isLarge ? .pieces(progress.head.digest) : .inline(progress.bytes)
        body = nil
        addMessage(progress.head, whole)
    }

    private func addPiece() {
        guard let piece = body?.takePiece() else { return }
        add(.piece(expected, at: piece.offset, piece.bytes))
    }

    private func addMessage(_ head: MessageFrame.Head, _ whole: Body) {
        add(
            .message(
                IncomingMessage(
                    sequence: expected, envelope: head.envelope, digest: head.digest, body: whole)))
        expected = expected.next
        if case .inline(let bytes) = whole { stepBytes += bytes.readableBytes }
        if steps.count >= Bound.batchMessages || stepBytes >= Bound.batchBytes { advance() }
    }

    private func forgetBody() {
        guard let forgotten = body else { return }
        body = nil
        if forgotten.keptBytes > 0 {
            host.dropPieces(of: forgotten.sequence, from: producer)
        }
    }

    func skip(
        _ sequence: LaneSequence, _ reason: SkipReason, _ chain: ChainValue
    ) throws(Failure) {
        guard phase == .open else { return try refuseEarly() }
        guard sequence < sequenceLimit else {
            throw .violation(.creditOverrun, "SKIP of \(sequence.value) beyond credit")
        }
        guard sequence >= expected else { return }
        guard sequence == expected, body?.isInterrupted != false else {
            throw .gap(at: sequence, after: expected)
        }
        forgetBody()
        add(.skip(sequence, reason, chain))
        expected = sequence.next
    }

    func recorded(below: LaneSequence) {
        guard phase == .open else { return }
        add(.recorded(below: below))
    }

    /// Frames that crossed a refusal are no fault; frames that did not wait for READY are.
    private func refuseEarly() throws(Failure) {
        guard phase == .closed else {
            throw .violation(.unexpectedFrame, "a message before READY")
        }
    }
}
