package import NIOCore

/// Cuts the bytes of an attachment into frames; DATA payloads come out as they arrive. [FTSL §3.2]
///
/// A payload need not be complete to be useful: on a link that dies every 300 ms a slow 64 KiB
/// frame would otherwise never arrive.
package struct FrameDecoder {
    package enum Element: Equatable {
        /// Part of a DATA payload: contiguous with what came before on this attachment.
        case data(ChannelNumber, position: UInt64, ByteBuffer)
        case frame(StreamFrame)
        /// Whole; the bytes of a body are a slice of what was read.
        /// Of a lane or a subscription; behind a pointer, so that the frames of streams stay small.
        indirect case message(MessageFrame)
    }

    private enum State {
        case header
        case payload(ChannelNumber, position: UInt64, remaining: Int)
    }

    private var state = State.header
    private var pending = ByteBuffer()
    private let maxPayload: Int

    package init(maxPayload: Int) { self.maxPayload = maxPayload }

    /// Adds bytes in the order in which they arrived.
    package mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            var bytes = bytes
            pending.discardReadBytes()
            pending.writeBuffer(&bytes)
        }
    }

    /// How much memory the bytes at hand keep alive; elements are slices of it.
    package var heldCapacity: Int { pending.storageCapacity }

    /// Lets go of the buffer that was read: what is left of it waits in one of its own size.
    package mutating func release() {
        guard pending.readableBytes > 0 else {
            pending = ByteBuffer()
            return
        }
        guard pending.storageCapacity > 2 * Bound.copyBelow,
            pending.readableBytes < pending.storageCapacity / 4
        else { return }
        pending = ByteBuffer(bytes: pending.readableBytesView)
    }

    /// The next element, or nil when more bytes are needed.
    package mutating func next() throws(Failure) -> Element? {
        switch state {
        case .payload(let channel, let position, let remaining):
            let count = min(remaining, pending.readableBytes)
            guard count > 0, let slice = pending.readSlice(length: count) else { return nil }
            state =
                count == remaining
                ? .header
                : .payload(
                    channel, position: position + UInt64(count), remaining: remaining - count)
            return .data(channel, position: position, slice)
        case .header:
            return try nextFrame()
        }
    }

    private mutating func nextFrame() throws(Failure) -> Element? {
        let start = pending.readerIndex
        guard let (length, raw) = pending.getMultipleIntegers(at: start, as: (UInt32, UInt8).self)
        else {
            if let length: UInt32 = pending.getInteger(at: start) { try check(length) }
            return nil
        }
        try check(length)
        guard let kind = FrameKind(rawValue: raw) else {
            throw .violation(.unknownKind, "a frame of unknown kind \(raw)")
        }
        if kind == .data { return try nextDataHeader(length: Int(length)) }
        guard pending.readableBytes >= 4 + Int(length) else { return nil }
        if kind == .ack, length == 18,
            let (channel, acknowledged, credit) = pending.getMultipleIntegers(
                at: start + 5, as: (UInt8, UInt64, UInt64).self)
        {
            // By far the most frequent, and of one size: no slice of its own.
            pending.moveReaderIndex(forwardBy: 22)
            return .frame(
                .ack(ChannelNumber(channel), acknowledged: acknowledged, credit: credit))
        }
        pending.moveReaderIndex(forwardBy: 5)
        guard let body = pending.readSlice(length: Int(length) - 1) else { return nil }
        return kind.isMessage
            ? .message(try MessageFrame(kind: kind, body: body))
            : .frame(try StreamFrame(kind: kind, body: body))
    }

    private func check(_ length: UInt32) throws(Failure) {
        guard length >= 1, length <= maxPayload + Bound.dataHeader else {
            throw .violation(.frameTooLarge, "a frame of \(length) bytes")
        }
    }

    private mutating func nextDataHeader(length: Int) throws(Failure) -> Element? {
        guard length > Bound.dataHeader else {
            throw .violation(.malformedFrame, "an empty DATA frame")
        }
        guard
            let (channel, position) = pending.getMultipleIntegers(
                at: pending.readerIndex + 5, as: (UInt8, UInt64).self)
        else { return nil }
        pending.moveReaderIndex(forwardBy: 4 + Bound.dataHeader)
        let count = length - Bound.dataHeader
        guard position <= UInt64(Int64.max) - UInt64(count) else {
            throw .violation(.malformedFrame, "a position beyond 2^63")
        }
        state = .payload(ChannelNumber(channel), position: position, remaining: count)
        return try next()
    }
}
