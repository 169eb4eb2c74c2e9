internal import FTSLCore
internal import NIOCore

/// Where the bytes are cut changes nothing: not the frames, not the data, not the failure.
func fuzzDecoder(_ bytes: UnsafeRawBufferPointer) throws(Broken) {
    var input = FuzzInput(bytes)
    let maxPayload = [1_024, 65_536][input.choice(2)]
    var cuts = FuzzRandom(seed: UInt64(input.byte()))
    let stream = input.rest()
    let whole = Decoded(maxPayload, [stream])
    var pieces: [ByteBuffer] = []
    var rest = stream
    while rest.readableBytes > 0 {
        let longest = UInt64([1, 3, 17, 300, 70_000][Int(cuts.next() % 5)])
        let count = min(rest.readableBytes, Int(1 + cuts.next() % longest))
        if let piece = rest.readSlice(length: count) { pieces.append(piece) }
    }
    let cut = Decoded(maxPayload, pieces)
    try hold(whole == cut, "the frames depend on where the stream is cut")
    for case .frame(let frame) in whole.elements {
        var again = ByteBuffer()
        frame.encode(into: &again)
        let second = Decoded(1 << 24, [again])
        try hold(second.failure == nil, "what \(frame) is encoded to does not decode")
        if case .abort(let abort) = frame, abort.text.utf8.count > 255 { continue }
        try hold(second.elements == [.frame(frame)], "\(frame) becomes \(second.elements)")
    }
    for case .message(let frame) in whole.elements { try holdMessage(frame) }
}

/// What was understood is understood again; text that was repaired once does not change any more.
private func holdMessage(_ frame: MessageFrame) throws(Broken) {
    var last = frame
    for _ in 0..<2 {
        var again = ByteBuffer()
        last.encode(into: &again)
        let decoded = Decoded(1 << 24, [again])
        guard case .message(let next)? = decoded.elements.first, decoded.elements.count == 1 else {
            throw Broken("what \(last) is encoded to does not decode")
        }
        if last != frame { try hold(next == last, "\(last) becomes \(next)") }
        last = next
    }
}

/// Everything a decoder makes of a stream, with contiguous data joined.
private struct Decoded: Equatable {
    var elements: [FrameDecoder.Element] = []
    var failure: FailureCode?

    init(_ maxPayload: Int, _ pieces: [ByteBuffer]) {
        var decoder = FrameDecoder(maxPayload: maxPayload)
        do throws(Failure) {
            for piece in pieces {
                decoder.append(piece)
                while let element = try decoder.next() { add(element) }
            }
        } catch {
            failure = error.code
        }
    }

    private mutating func add(_ element: FrameDecoder.Element) {
        guard case .data(let channel, let position, let bytes) = element,
            case .data(channel, let start, var joined)? = elements.last,
            start + UInt64(joined.readableBytes) == position
        else { return elements.append(element) }
        joined.writeImmutableBuffer(bytes)
        elements[elements.count - 1] = .data(channel, position: start, joined)
    }
}
