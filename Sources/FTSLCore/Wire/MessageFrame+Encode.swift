package import NIOCore

extension MessageFrame {
    package var kind: FrameKind {
        switch self {
        case .lane: .lane
        case .ready: .ready
        case .message: .message
        case .accepted: .accepted
        case .recorded: .recorded
        case .skip: .skip
        case .refused: .refused
        case .watch: .watch
        case .processed: .processed
        case .subscribe: .subscribe
        case .subscribed: .subscribed
        case .delivery: .delivery
        case .settle: .settle
        case .settled: .settled
        case .grant: .grant
        case .caughtUp: .caughtUp
        case .return: .return
        }
    }

    /// The whole frame, body bytes copied.
    package func encode(into buffer: inout ByteBuffer) {
        if let payload = encodeFields(into: &buffer) { buffer.writeImmutableBuffer(payload) }
    }

    /// All but the body bytes of MESSAGE and DELIVERY, which are given back to follow uncopied.
    func encodeFields(into buffer: inout ByteBuffer) -> ByteBuffer? {
        let start = buffer.writerIndex
        buffer.writeInteger(UInt32(0))
        buffer.writeInteger(kind.rawValue)
        let payload = writeBody(to: &buffer)
        let length = buffer.writerIndex - start - 4 + (payload?.readableBytes ?? 0)
        buffer.setInteger(UInt32(length), at: start)
        return payload
    }

    private func writeBody(to buffer: inout ByteBuffer) -> ByteBuffer? {
        switch self {
        case .message(let fragment):
            buffer.write(fragment)
            return fragment.bytes
        case .delivery(let delivery):
            buffer.write(delivery)
            return delivery.bytes
        case .lane, .ready, .accepted, .recorded, .skip, .watch, .processed:
            writeLaneBody(to: &buffer)
        case .refused(let subject, let code, let text):
            buffer.writeInteger(subject.rawValue)
            buffer.writeInteger(code.rawValue)
            buffer.writeShortText(text)
        case .subscribe, .subscribed, .settle, .settled, .grant, .caughtUp, .return:
            writeSubscriptionBody(to: &buffer)
        }
        return nil
    }

    private func writeLaneBody(to buffer: inout ByteBuffer) {
        switch self {
        case .lane(let lane):
            buffer.write(lane.producer)
            buffer.writeInteger(lane.mode.rawValue)
            buffer.write(lane.inbox)
            buffer.write(lane.generation)
            buffer.writeInteger(lane.oldestRetained.value)
            buffer.writeInteger(lane.settledBelow.value)
        case .ready(let ready):
            buffer.write(ready.inbox)
            buffer.write(ready.generation)
            buffer.writeInteger(ready.chain.value)
            buffer.write(ready.progress)
            buffer.writeInteger(ready.partial?.sequence.value ?? 0)
            buffer.writeInteger(ready.partial?.bytes ?? 0)
            buffer.writeInteger(ready.partial?.digest ?? 0)
        case .accepted(let progress): buffer.write(progress)
        case .recorded(let below): buffer.writeInteger(below.value)
        case .skip(let sequence, let reason, let chain):
            buffer.writeInteger(sequence.value)
            buffer.writeInteger(reason.rawValue)
            buffer.writeInteger(chain.value)
        case .watch(let watch):
            buffer.write(watch.producer)
            buffer.writeInteger(watch.from.value)
            buffer.writeName(watch.cursor)
        case .processed(let processed):
            buffer.writeInteger(processed.floor.value)
            buffer.writeInteger(UInt16(processed.ranges.count))
            for range in processed.ranges {
                buffer.writeInteger(range.lowerBound)
                buffer.writeInteger(range.upperBound)
            }
            buffer.writeInteger(UInt16(processed.dead.count))
            for sequence in processed.dead { buffer.writeInteger(sequence.value) }
        default: break
        }
    }

    private func writeSubscriptionBody(to buffer: inout ByteBuffer) {
        switch self {
        case .subscribe(let subscribe): buffer.write(subscribe)
        case .subscribed(let subscribed):
            buffer.write(subscribed.inbox)
            buffer.write(subscribed.generation)
            buffer.writeInteger(subscribed.floor.value)
            buffer.writeInteger(subscribed.end.value)
        case .settle(let settlement):
            buffer.writeInteger(settlement.index.value)
            buffer.write(settlement.token)
            switch settlement.verdict {
            case .done: buffer.writeInteger(UInt8(0))
            case .retry(let after):
                buffer.writeInteger(UInt8(1))
                buffer.writeInteger(after.wholeNanoseconds / 1_000_000)
            case .dead(let reason):
                buffer.writeInteger(UInt8(2))
                buffer.writeShortText(reason)
            }
        case .settled(let index, let token, let verdict):
            buffer.writeInteger(index.value)
            buffer.write(token)
            buffer.writeInteger(verdict.rawValue)
        case .grant(let credit): buffer.write(credit)
        case .caughtUp(let index): buffer.writeInteger(index.value)
        case .return(let cursor, let index):
            buffer.writeName(cursor)
            buffer.writeInteger(index.value)
        default: break
        }
    }
}

extension Envelope {
    /// Bytes of id, topic and headers in a frame.
    package var encodedCount: Int {
        headers.reduce(3 + id.utf8.count + topic.utf8.count) {
            $0 + 3 + $1.name.utf8.count + $1.value.utf8.count
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func write(_ id: ProducerID) {
        writeMultipleIntegers(id.high, id.low)
    }

    /// Zero stands for any.
    fileprivate mutating func write(_ id: InboxID?) {
        writeMultipleIntegers(id?.high ?? 0, id?.low ?? 0)
    }

    fileprivate mutating func write(_ token: MessageFrame.LeaseToken) {
        writeMultipleIntegers(token.starts, token.attempt)
    }

    fileprivate mutating func write(_ credit: MessageFrame.DeliveryCredit) {
        writeMultipleIntegers(credit.messages, credit.bytes)
    }

    fileprivate mutating func write(_ progress: MessageFrame.Progress) {
        writeFields(26) {
            $0.put(progress.next.value)
            $0.put(progress.sequenceLimit.value)
            $0.put(progress.byteLimit)
            $0.put(UInt16(progress.exceptions.count))
        }
        for exception in progress.exceptions {
            let (kind, value): (UInt8, UInt64) =
                switch exception.resolution {
                case .rejected(let code): (1, UInt64(code.rawValue))
                case .duplicate(let index): (2, index.value)
                case .skipped(let reason): (3, UInt64(reason.rawValue))
                }
            writeMultipleIntegers(exception.sequence.value, kind, value)
        }
    }

    fileprivate mutating func write(_ fragment: MessageFrame.Fragment) {
        writeFields(17) {
            $0.put(fragment.sequence.value)
            $0.put(UInt8(fragment.head == nil ? 0 : 1))
            $0.put(fragment.offset)
        }
        if let head = fragment.head { write(head.envelope, head.digest) }
    }

    fileprivate mutating func write(_ envelope: Envelope, _ digest: BodyDigest) {
        writeFields(32) {
            $0.put(envelope.created)
            $0.put(envelope.remaining ?? .max)
            $0.put(digest.count)
            $0.put(digest.digest)
        }
        writeName(envelope.id)
        writeName(envelope.topic)
        writeInteger(UInt8(envelope.headers.count))
        for header in envelope.headers {
            writeName(header.name)
            writeInteger(UInt16(header.value.utf8.count))
            writeString(header.value)
        }
    }

    fileprivate mutating func write(_ delivery: MessageFrame.Delivery) {
        writeFields(29) {
            $0.put(delivery.index.value)
            $0.put(delivery.token.starts)
            $0.put(delivery.token.attempt)
            $0.put(UInt8(delivery.head == nil ? 0 : 1))
            $0.put(delivery.offset)
        }
        guard let head = delivery.head else { return }
        write(head.producer)
        writeInteger(head.sequence.value)
        writeInteger(head.stored)
        write(head.envelope, head.digest)
        writeShortText(head.reason)
    }

    fileprivate mutating func write(_ subscribe: MessageFrame.Subscribe) {
        writeInteger(subscribe.kind.rawValue)
        writeName(subscribe.cursor)
        let (kind, value): (UInt8, UInt64) =
            switch subscribe.start {
            case .beginning: (0, 0)
            case .end: (1, 0)
            case .index(let index): (2, index.value)
            case .last(let count): (3, count)
            case .since(let milliseconds): (4, milliseconds)
            case .age(let milliseconds): (5, milliseconds)
            }
        writeMultipleIntegers(kind, value)
        writeInteger(UInt8(subscribe.filter.patterns.count))
        for pattern in subscribe.filter.patterns { writeName(pattern) }
        write(subscribe.inbox)
        write(subscribe.generation)
        write(subscribe.credit)
        writeInteger(subscribe.maxAttempts)
    }
}
