internal import NIOCore

extension InboxLane {
    // MARK: Asking the store

    /// Body bytes are counted with the first step that follows them.
    func add(_ step: Step) {
        steps.append((step, received - attributed))
        attributed = received
    }

    /// Asks for what may be asked now, as many messages as there are in one change. [FTSL §7.4]
    func advance() {
        while phase == .open, let next = steps.first {
            // What a volatile lane asked may fall short, and nobody but this lane would notice.
            if !isDurable, asked > 0 { return }
            if !isDurable, !cursor.hasRoomForException { return close(.unrecorded) }
            switch next.step {
            case .message:
                guard askMessages() else { return }
            case .skip(let sequence, let reason, let chain):
                pass(
                    LaneException(sequence: sequence, resolution: .skipped(reason)),
                    .skip(producer, cursor.fence, sequence, reason, chain))
            case .reject(let sequence, let code, let envelope, let digest):
                pass(
                    LaneException(sequence: sequence, resolution: .rejected(code)),
                    .reject(producer, cursor.fence, sequence, code, envelope: envelope, digest))
            case .piece(let sequence, let offset, let bytes):
                steps.removeFirst()
                piecesAsked += 1
                ask(
                    .piece(producer, cursor.fence, sequence, at: offset, bytes),
                    .piece(bytes: next.bytes))
            case .recorded(let below):
                steps.removeFirst()
                if !isDurable { cursor.settle(below: below) }
                ask(
                    isDurable
                        ? .recorded(producer, cursor.fence, below: below)
                        : .deposit(producer, owner: owner, []),
                    .progress(end: .first, bytes: next.bytes, exception: nil))
            }
        }
        if steps.isEmpty { stepBytes = 0 }
    }

    private func ask(_ change: InboxChange, _ question: Question) {
        asked += 1
        host.ask(change, question, for: self)
    }

    private func pass(_ exception: LaneException, _ change: InboxChange) {
        let bytes = steps.removeFirst().bytes
        ask(
            isDurable ? change : .deposit(producer, owner: owner, []),
            .progress(
                end: exception.sequence.next, bytes: bytes,
                exception: isDurable ? nil : exception))
    }

    /// False when a large body among them waits for its pieces to be on disk.
    private func askMessages() -> Bool {
        var messages: [IncomingMessage] = []
        var bytes: UInt64 = 0
        let limit = isDurable ? Int.max : Bound.laneExceptions - cursor.exceptions.count
        while messages.count < limit, let next = steps.first,
            case .message(let message) = next.step
        {
            if case .pieces = message.body, piecesAsked > 0 { break }
            messages.append(message)
            bytes += next.bytes
            steps.removeFirst()
        }
        guard let last = messages.last else { return false }
        messages.releaseReadBuffers()
        ask(
            isDurable
                ? .messages(producer, cursor.fence, messages)
                : .deposit(producer, owner: owner, messages),
            .progress(end: last.sequence.next, bytes: bytes, exception: nil))
        return true
    }

    // MARK: Answers

    func answered(_ question: Question, _ reply: InboxReply, now: Instant) {
        if case .open = question {
            opened(reply, now: now)
            return
        }
        asked -= 1
        switch (question, reply) {
        case (.piece(let bytes), .changed(.done)):
            piecesAsked -= 1
            resolved += bytes
            tellBytes()
        case (
            .progress(let end, let bytes, let exception),
            .changed(.progress(let next, let exceptions, let hasRoom, _))
        ):
            resolved += bytes
            progressed(
                to: next, exceptions, exception, end: end, hasRoom: hasRoom, now: now)
        case (_, .changed(.refused(let failure))): close(failure)
        case (_, .failed(let failure)):
            close(Failure(.local, .inboxUnavailable, failure.text))
        default: close(Failure(.local, .internalError, "the store answered another question"))
        }
        if phase == .open { advance() }
    }

    private func opened(_ reply: InboxReply, now: Instant) {
        guard phase == .opening else { return }
        switch reply {
        case .changed(.lane(let cursor, let hasRoom)):
            self.cursor = cursor
            self.hasRoom = hasRoom
        case .changed(.refused(let failure)): return close(failure)
        case .failed(let failure):
            return close(Failure(.local, .inboxUnavailable, failure.text))
        default:
            return close(Failure(.local, .internalError, "the store answered another question"))
        }
        let memory = host.memory(of: producer)
        if mode == .atLeastOnce, let remembered = memory?.cursor {
            guard remembered.owner == owner else {
                let text = "the producer \(producer) belongs to another identity"
                return close(Failure(.peer, .foreignProducer, text))
            }
            let fence = cursor.fence
            cursor = remembered.next >= cursor.next ? remembered : cursor
            cursor.fence = fence
            cursor.settle(below: settledBelow)
        }
        phase = .open
        expected = cursor.next
        body = memory?.body?.sequence == cursor.next ? memory?.body : nil
        host.remember(memory?.cursor.map { LaneMemory(cursor: $0, body: nil) }, of: producer)
        sequenceLimit = cursor.next
        probeAt = hasRoom ? .distantFuture : now + Bound.roomProbe
        owesReady = true
        host.wake(session)
    }

    private func progressed(
        to next: LaneSequence, _ exceptions: [LaneException], _ exception: LaneException?,
        end: LaneSequence, hasRoom: Bool, now: Instant
    ) {
        let before = cursor.next
        if isDurable {
            cursor.next = next
            cursor.exceptions = exceptions
        } else {
            cursor.next = max(cursor.next, exception?.sequence.next ?? next)
            cursor.exceptions += exceptions
            if let exception { cursor.exceptions.append(exception) }
            if mode == .atLeastOnce {
                var memory = host.memory(of: producer) ?? LaneMemory()
                memory.cursor = cursor
                host.remember(memory, of: producer)
            }
        }
        host.passed(from: before, to: cursor.next, cursor.exceptions)
        guard phase == .open else { return }
        self.hasRoom = hasRoom
        probeAt = hasRoom ? .distantFuture : now + Bound.roomProbe
        if cursor.next < end { return close(hasRoom ? .unrecorded : .noRoom) }
        owesAccepted = true
        host.wake(session)
    }

    /// Byte credit is told when there is a good part of it.
    func tellBytes() {
        guard phase == .open, hasRoom, cursor.hasRoomForException,
            resolved + Bound.laneBytes >= byteLimit + Bound.laneBytes / 4
        else { return }
        owesAccepted = true
        host.wake(session)
    }

    // MARK: Frames to the producer

    func transmit(into writer: inout FrameWriter) {
        advance()
        if let refusal {
            writer.write(.refused(.lane, refusal.code, text: refusal.text))
            self.refusal = nil
        }
        if owesReady {
            let partial = body?.isInterrupted == true ? body?.partial : nil
            writer.write(
                .ready(
                    MessageFrame.Ready(
                        inbox: host.identity.id, generation: host.identity.generation,
                        chain: cursor.chain, progress: progress(), partial: partial)))
        } else if owesAccepted {
            writer.write(.accepted(progress()))
        }
        owesReady = false
        owesAccepted = false
    }

    /// Credit only grows; it stands still without room for messages or for their outcomes.
    private func progress() -> MessageFrame.Progress {
        if hasRoom, cursor.hasRoomForException {
            let unrecorded = UInt64(cursor.exceptions.count)
            let window =
                unrecorded == 0
                ? Bound.laneMessages
                : min(Bound.laneMessages, UInt64(Bound.laneExceptions) - unrecorded)
            sequenceLimit = max(sequenceLimit, LaneSequence(cursor.next.value + window))
            byteLimit = max(byteLimit, resolved + Bound.laneBytes)
        }
        return MessageFrame.Progress(
            next: cursor.next, exceptions: cursor.exceptions, sequenceLimit: sequenceLimit,
            byteLimit: byteLimit)
    }

    // MARK: Time

    /// Asks the store for nothing but whether there is room now. [FTSL §7.4]
    func probe(now: Instant) {
        guard phase == .open, !hasRoom else { return }
        probeAt = now + Bound.roomProbe
        add(.recorded(below: cursor.settledBelow))
        advance()
    }
}

extension [IncomingMessage] {
    /// A few small bodies must not keep the large buffers alive that they were read into.
    fileprivate mutating func releaseReadBuffers() {
        var held = 0
        var capacity = 0
        for message in self {
            guard case .inline(let bytes) = message.body else { continue }
            held += bytes.readableBytes
            capacity = Swift.max(capacity, bytes.storageCapacity)
        }
        guard capacity > 2 * Bound.copyBelow, held < capacity / 4 else { return }
        for index in indices {
            guard case .inline(let bytes) = self[index].body else { continue }
            self[index].body = .inline(ByteBuffer(bytes: bytes.readableBytesView))
        }
    }
}

extension Failure {
    fileprivate static let unrecorded = Failure(
        .peer, .inboxUnavailable, "too many outcomes are not recorded by their sender")
    fileprivate static let noRoom = Failure(.local, .inboxUnavailable, "the inbox is full")
}
