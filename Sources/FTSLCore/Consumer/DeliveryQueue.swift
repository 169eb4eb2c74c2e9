internal import DequeModule
internal import NIOCore

/// Deliveries on their way to one member on one attachment: in order, as far as credit allows, cut
/// into frames. [FTSL §7.6]
struct DeliveryQueue {
    fileprivate struct Item {
        var message: StoredMessage
        var token: MessageFrame.LeaseToken
        var reason: String
        /// The member may have it from an earlier connection.
        var isAgain: Bool
        var sent: UInt64 = 0
        var isBegun = false
    }

    private var items = Deque<Item>()
    private var credit: MessageFrame.DeliveryCredit
    /// Since SUBSCRIBE: what was put here, and how many body bytes left.
    private var messages: UInt64 = 0
    private var bytes: UInt64 = 0
    private var bytesSent: UInt64 = 0
    private var waitingBytes: UInt64 = 0
    /// What was read of the first item's large body and did not leave yet.
    private var piece = ByteBuffer()
    private var isReadingPiece = false

    init(credit: MessageFrame.DeliveryCredit) {
        self.credit = credit
    }

    var isEmpty: Bool { items.isEmpty }

    /// The member would take one more.
    var hasCredit: Bool { messages < credit.messages && bytes < credit.bytes }

    /// …and it would not wait long here.
    var hasRoom: Bool {
        hasCredit && items.count < Bound.queuedDeliveries
            && waitingBytes < Bound.queuedDeliveryBytes
    }

    /// Absolute, and never less than before.
    mutating func grant(_ more: MessageFrame.DeliveryCredit) {
        credit.messages = max(credit.messages, more.messages)
        credit.bytes = max(credit.bytes, more.bytes)
    }

    mutating func append(
        _ message: StoredMessage, _ token: MessageFrame.LeaseToken, reason: String = "",
        isAgain: Bool = false
    ) {
        items.append(Item(message: message, token: token, reason: reason, isAgain: isAgain))
        messages += 1
        bytes += message.digest.count
        waitingBytes += message.inlineBytes
    }

    /// What the member has no byte of, on this connection or an earlier one.
    var neverSent: [InboxIndex] {
        items.filter { !$0.isBegun && !$0.isAgain }.map(\.message.index)
    }

    /// Takes a message out unless it has begun.
    mutating func remove(_ index: InboxIndex) {
        guard
            let place = items.firstIndex(where: { $0.message.index == index && !$0.isBegun })
        else { return }
        let item = items.remove(at: place)
        messages -= 1
        bytes -= item.message.digest.count
        waitingBytes -= item.message.inlineBytes
        if place == 0 { piece = ByteBuffer() }
    }

    // MARK: Frames

    /// The next frame, of at most `payload` bytes beside its header; nil: nothing is left, or it
    /// waits for credit or for a piece.
    mutating func next(payload: Int) -> MessageFrame? {
        guard var item = items.first else { return nil }
        let head = item.isBegun ? nil : item.head
        let left = item.message.digest.count - item.sent
        var room = UInt64(max(1, payload - Self.fixedBytes - (head?.encodedCount ?? 0)))
        room = min(room, left, credit.bytes - min(bytesSent, credit.bytes))
        let slice = take(room, of: item)
        guard slice.readableBytes > 0 || left == 0 else { return nil }
        let frame = MessageFrame.delivery(
            MessageFrame.Delivery(
                index: item.message.index, token: item.token, head: head, offset: item.sent,
                bytes: slice))
        item.sent += UInt64(slice.readableBytes)
        bytesSent += UInt64(slice.readableBytes)
        item.isBegun = true
        if item.sent == item.message.digest.count {
            items.removeFirst()
            waitingBytes -= item.message.inlineBytes
        } else {
            items[0] = item
        }
        return frame
    }

    private mutating func take(_ count: UInt64, of item: Item) -> ByteBuffer {
        switch item.message.body {
        case .inline(let body):
            let start = body.readerIndex + Int(item.sent)
            return body.getSlice(at: start, length: Int(count)) ?? ByteBuffer()
        case .pieces:
            let length = min(Int(count), piece.readableBytes)
            return piece.readSlice(length: length) ?? ByteBuffer()
        }
    }

    /// The part of the first item's large body to read next; asked once for each.
    mutating func takePieceWanted() -> (index: InboxIndex, offset: UInt64)? {
        guard let item = items.first, case .pieces = item.message.body, !isReadingPiece,
            piece.readableBytes == 0, bytesSent < credit.bytes
        else { return nil }
        isReadingPiece = true
        return (item.message.index, item.sent)
    }

    mutating func accept(_ bytes: ByteBuffer, of index: InboxIndex, at offset: UInt64) {
        isReadingPiece = false
        // What it was read for may have been taken out meanwhile.
        guard let item = items.first, item.message.index == index, item.sent == offset else {
            return
        }
        piece = bytes
    }

    /// Index, token, flags, offset, and what DATA's header has less.
    private static let fixedBytes = 29 - Bound.dataHeader + 1
}

extension DeliveryQueue.Item {
    fileprivate var head: MessageFrame.DeliveryHead {
        MessageFrame.DeliveryHead(
            producer: message.producer, sequence: message.sequence, stored: message.stored,
            envelope: message.envelope, digest: message.digest, reason: reason)
    }
}

extension MessageFrame.DeliveryHead {
    /// Bytes in a frame.
    fileprivate var encodedCount: Int {
        let texts = envelope.id.utf8.count + envelope.topic.utf8.count + reason.utf8.count
        return envelope.headers.reduce(64 + 4 + texts) {
            $0 + 3 + $1.name.utf8.count + $1.value.utf8.count
        }
    }
}
