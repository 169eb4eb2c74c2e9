package import NIOCore

extension MessageFrame {
    /// Reads the body of a whole frame; body bytes come out as a slice of it. [FTSL §7.2]
    package init(kind: FrameKind, body: ByteBuffer) throws(Failure) {
        var body = body
        switch kind {
        case .message: self = .message(try body.needFragment())
        case .delivery: self = .delivery(try body.needDelivery())
        case .accepted: self = .accepted(try body.needProgress())
        case .lane: self = .lane(try body.needLane())
        case .ready: self = .ready(try body.needReady())
        case .recorded: self = .recorded(try body.needSequence())
        case .skip:
            self = .skip(
                try body.needSequence(), try body.needChoice(), ChainValue(try body.need()))
        case .refused:
            self = .refused(
                try body.needChoice(), try body.needFailureCode(), text: try body.needText())
        case .watch: self = .watch(try body.needWatch())
        case .processed: self = .processed(try body.needProcessed())
        case .subscribe: self = .subscribe(try body.needSubscribe())
        case .subscribed:
            self = .subscribed(
                Subscribed(
                    inbox: try body.needInboxID(), generation: try body.needGeneration(),
                    floor: try body.needIndex(), end: try body.needIndex()))
        case .settle: self = .settle(try body.needSettlement())
        case .settled:
            self = .settled(
                try body.needIndex(), try body.needToken(), try body.needChoice())
        case .grant: self = .grant(try body.needDeliveryCredit())
        case .caughtUp: self = .caughtUp(try body.needIndex())
        case .return:
            self = .return(cursor: try body.needCursorName(), try body.needIndex())
        case .open, .opened, .confirm, .resume, .resumed, .proof, .verdict, .data, .fin, .ack,
            .blocked, .heartbeat, .stop, .abort, .exit, .bye, .superseded, .endpoints, .redirect,
            .extension:
            preconditionFailure("not a frame of a lane or a subscription")
        }
        try body.needEnd()
    }
}

extension ByteBuffer {
    private static func malformed(_ text: String) -> Failure {
        .violation(.malformedFrame, text)
    }

    fileprivate mutating func needChoice<T: RawRepresentable>() throws(Failure) -> T
    where T.RawValue == UInt8 {
        let raw: UInt8 = try need()
        guard let value = T(rawValue: raw) else {
            throw Self.malformed("\(raw) is none of the values of its field")
        }
        return value
    }

    /// From 1, and so small that counting up never overflows.
    fileprivate mutating func needSequence() throws(Failure) -> LaneSequence {
        LaneSequence(try needNumber())
    }

    fileprivate mutating func needIndex() throws(Failure) -> InboxIndex {
        InboxIndex(try needNumber())
    }

    private mutating func needNumber() throws(Failure) -> UInt64 {
        let value: UInt64 = try need()
        guard value >= 1, value <= UInt64(Int64.max) else {
            throw Self.malformed("a message with the number \(value)")
        }
        return value
    }

    /// What this end does not know is still a failure.
    fileprivate mutating func needFailureCode() throws(Failure) -> FailureCode {
        FailureCode(rawValue: try need()) ?? .internalError
    }

    fileprivate mutating func needInboxID() throws(Failure) -> InboxID {
        InboxID(high: try need(), low: try need())
    }

    /// Zero stands for any.
    private mutating func needOptionalInboxID() throws(Failure) -> InboxID? {
        let id = try needInboxID()
        return id == InboxID(high: 0, low: 0) ? nil : id
    }

    fileprivate mutating func needToken() throws(Failure) -> MessageFrame.LeaseToken {
        MessageFrame.LeaseToken(starts: try need(), attempt: try need())
    }

    fileprivate mutating func needDeliveryCredit() throws(Failure) -> MessageFrame.DeliveryCredit {
        MessageFrame.DeliveryCredit(messages: try need(), bytes: try need())
    }

    fileprivate mutating func needCursorName() throws(Failure) -> String {
        let count = Int(try need(UInt8.self))
        guard count <= Bound.cursorName else { throw Self.malformed("a cursor's name is long") }
        return try needName(count)
    }

    fileprivate mutating func needLane() throws(Failure) -> MessageFrame.Lane {
        let producer = ProducerID(high: try need(), low: try need())
        return MessageFrame.Lane(
            producer: producer, mode: try needChoice(), inbox: try needOptionalInboxID(),
            generation: try needGeneration(), oldestRetained: try needSequence(),
            settledBelow: try needSequence())
    }

    fileprivate mutating func needReady() throws(Failure) -> MessageFrame.Ready {
        let inbox = try needInboxID()
        let generation = try needGeneration()
        let chain = ChainValue(try need())
        let progress = try needProgress()
        let sequence: UInt64 = try need()
        let bytes: UInt64 = try need()
        let digest: UInt64 = try need()
        guard sequence != 0 || bytes == 0 && digest == 0, sequence <= UInt64(Int64.max) else {
            throw Self.malformed("part of no message")
        }
        let partial = MessageFrame.Partial(
            sequence: LaneSequence(sequence), bytes: bytes, digest: digest)
        return MessageFrame.Ready(
            inbox: inbox, generation: generation, chain: chain, progress: progress,
            partial: sequence == 0 ? nil : partial)
    }

    fileprivate mutating func needProgress() throws(Failure) -> MessageFrame.Progress {
        let next = try needSequence()
        let sequenceLimit = LaneSequence(try need())
        let byteLimit: UInt64 = try need()
        let count = Int(try need(UInt16.self))
        guard count <= Bound.laneExceptions else { throw Self.malformed("too many exceptions") }
        var exceptions: [LaneException] = []
        exceptions.reserveCapacity(count)
        for _ in 0..<count {
            let sequence = try needSequence()
            guard sequence > exceptions.last?.sequence ?? LaneSequence(0), sequence < next else {
                throw Self.malformed("exceptions out of order")
            }
            exceptions.append(
                LaneException(sequence: sequence, resolution: try needResolution()))
        }
        return MessageFrame.Progress(
            next: next, exceptions: exceptions, sequenceLimit: sequenceLimit,
            byteLimit: byteLimit)
    }

    private mutating func needResolution() throws(Failure) -> Resolution {
        let kind: UInt8 = try need()
        let value: UInt64 = try need()
        switch kind {
        case 1:
            guard let raw = UInt16(exactly: value) else { break }
            return .rejected(FailureCode(rawValue: raw) ?? .internalError)
        case 2:
            guard value >= 1 else { break }
            return .duplicate(of: InboxIndex(value))
        case 3:
            guard let reason = UInt8(exactly: value).flatMap(SkipReason.init) else { break }
            return .skipped(reason)
        default: break
        }
        throw Self.malformed("an outcome of kind \(kind) with the value \(value)")
    }

    fileprivate mutating func needFragment() throws(Failure) -> MessageFrame.Fragment {
        let sequence = try needSequence()
        let hasHead = try needFlag()
        let offset: UInt64 = try need()
        let head = hasHead ? try needHead() : nil
        return MessageFrame.Fragment(
            sequence: sequence, head: head, offset: offset,
            bytes: try needBodyBytes(at: offset, of: head?.digest))
    }

    fileprivate mutating func needDelivery() throws(Failure) -> MessageFrame.Delivery {
        let index = try needIndex()
        let token = try needToken()
        let hasHead = try needFlag()
        let offset: UInt64 = try need()
        let head = hasHead ? try needDeliveryHead() : nil
        return MessageFrame.Delivery(
            index: index, token: token, head: head, offset: offset,
            bytes: try needBodyBytes(at: offset, of: head?.digest))
    }

    private mutating func needFlag() throws(Failure) -> Bool {
        let flags: UInt8 = try need()
        guard flags <= 1 else { throw Self.malformed("unknown flags \(flags)") }
        return flags == 1
    }

    /// The rest of the frame: within the body, and empty only where the whole body is.
    private mutating func needBodyBytes(
        at offset: UInt64, of digest: BodyDigest?
    ) throws(Failure) -> ByteBuffer {
        let bytes = readSlice(length: readableBytes) ?? ByteBuffer()
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.readableBytes))
        let count = digest?.count ?? UInt64(Int64.max)
        guard !overflow, end <= count, count <= UInt64(Int64.max),
            bytes.readableBytes > 0 || count == 0
        else { throw Self.malformed("bytes at \(offset) are not in their message") }
        return bytes
    }

    private mutating func needHead() throws(Failure) -> MessageFrame.Head {
        guard
            let (created, remaining, count, digest) = readMultipleIntegers(
                as: (UInt64, UInt64, UInt64, UInt64).self)
        else { throw .shortFrame }
        let envelope = try needEnvelope(
            created: created, remaining: remaining == .max ? nil : remaining)
        return MessageFrame.Head(
            envelope: envelope, digest: BodyDigest(count: count, digest: digest))
    }

    private mutating func needEnvelope(
        created: UInt64, remaining: UInt64?
    ) throws(Failure) -> Envelope {
        let start = readerIndex
        var envelope = Envelope(
            id: try needName(), topic: try needName(), created: created, remaining: remaining)
        let headers = Int(try need(UInt8.self))
        guard headers <= Bound.headers else { throw Self.malformed("too many headers") }
        for _ in 0..<headers {
            let name = try needName()
            let count = Int(try need(UInt16.self))
            guard count <= Bound.headerValue else { throw Self.malformed("a header is long") }
            envelope.headers.append(Envelope.Header(name: name, value: try needName(count)))
        }
        guard readerIndex - start <= Bound.envelope else {
            throw Self.malformed("an envelope is large")
        }
        return envelope
    }

    private mutating func needDeliveryHead() throws(Failure) -> MessageFrame.DeliveryHead {
        let producer = ProducerID(high: try need(), low: try need())
        let sequence = try needSequence()
        let stored: UInt64 = try need()
        let head = try needHead()
        return MessageFrame.DeliveryHead(
            producer: producer, sequence: sequence, stored: stored, envelope: head.envelope,
            digest: head.digest, reason: try needText())
    }

    fileprivate mutating func needProcessed() throws(Failure) -> MessageFrame.Processed {
        let floor = try needSequence()
        let count = Int(try need(UInt16.self))
        guard count <= Bound.processedRanges else { throw Self.malformed("too many ranges") }
        var ranges: [ClosedRange<UInt64>] = []
        for _ in 0..<count {
            let from: UInt64 = try need()
            let to: UInt64 = try need()
            guard from <= to, from > ranges.last?.upperBound ?? floor.value - 1 else {
                throw Self.malformed("ranges out of order")
            }
            ranges.append(from...to)
        }
        let letters = Int(try need(UInt16.self))
        guard letters <= Bound.processedRanges else { throw Self.malformed("too many letters") }
        var dead: [LaneSequence] = []
        for _ in 0..<letters {
            let sequence = try needSequence()
            guard dead.last.map({ $0 < sequence }) ?? true else {
                throw Self.malformed("dead letters out of order")
            }
            dead.append(sequence)
        }
        return MessageFrame.Processed(floor: floor, ranges: ranges, dead: dead)
    }

    fileprivate mutating func needWatch() throws(Failure) -> MessageFrame.Watch {
        let producer = ProducerID(high: try need(), low: try need())
        let from = try needSequence()
        return MessageFrame.Watch(producer: producer, from: from, cursor: try needCursorName())
    }

    fileprivate mutating func needSubscribe() throws(Failure) -> MessageFrame.Subscribe {
        let kind: MessageFrame.Subscribe.Kind = try needChoice()
        let cursor = try needCursorName()
        let start = try needStart()
        var patterns: [String] = []
        for _ in 0..<(try need(UInt8.self)) { patterns.append(try needName()) }
        return MessageFrame.Subscribe(
            kind: kind, cursor: cursor, start: start, filter: TopicFilter(patterns),
            inbox: try needOptionalInboxID(), generation: try needGeneration(),
            credit: try needDeliveryCredit(), maxAttempts: try need())
    }

    private mutating func needStart() throws(Failure) -> ConsumerStart {
        let kind: UInt8 = try need()
        let value: UInt64 = try need()
        switch kind {
        case 0: return .beginning
        case 1: return .end
        case 2: return .index(InboxIndex(value))
        case 3: return .last(value)
        case 4: return .since(value)
        case 5: return .age(value)
        default: throw Self.malformed("an unknown start \(kind)")
        }
    }

    fileprivate mutating func needSettlement() throws(Failure) -> MessageFrame.Settlement {
        let index = try needIndex()
        let token = try needToken()
        let kind: UInt8 = try need()
        let verdict: MessageFrame.Settlement.Verdict
        switch kind {
        case 0: verdict = .done
        case 1: verdict = .retry(after: .milliseconds(Int64(clamping: try need(UInt64.self))))
        case 2: verdict = .dead(reason: try needText())
        default: throw Self.malformed("an unknown verdict \(kind)")
        }
        return MessageFrame.Settlement(index: index, token: token, verdict: verdict)
    }
}
