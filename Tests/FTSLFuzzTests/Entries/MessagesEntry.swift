internal import FTSLCore
internal import NIOCore

/// What a handshake frame was understood to say is what is said again when it is encoded.
func fuzzMessages(_ bytes: UnsafeRawBufferPointer) throws(Broken) {
    var input = FuzzInput(bytes)
    let kind = FrameKind.allCases[input.choice(FrameKind.allCases.count)]
    let body = input.rest()
    guard let first = try? HandshakeMessage(kind: kind, body: body) else { return }
    let second = try again(first)
    // Text that was no UTF-8 is repaired once, and cut where it grew; after that nothing changes.
    let third = try again(second)
    try hold(second == third, "\(second) becomes \(third)")
    if first.isPlain { try hold(first == second, "\(first) becomes \(second)") }
}

private func again(_ message: HandshakeMessage) throws(Broken) -> HandshakeMessage {
    var frame = message.encoded()
    let mac = message.hasMAC ? HandshakeMessage.macLength : 0
    let length = frame.readInteger(as: UInt32.self).map { Int($0) } ?? 0
    try hold(length == frame.readableBytes + mac, "the length of \(message) is wrong")
    try hold(frame.readInteger() == message.kind.rawValue, "the kind of \(message) is wrong")
    do {
        return try HandshakeMessage(kind: message.kind, body: frame)
    } catch {
        throw Broken("\(message) does not decode: \(error.text)")
    }
}

extension HandshakeMessage {
    /// True when it holds no text that could be too long once repaired.
    fileprivate var isPlain: Bool {
        switch self {
        case .open(let open): open.service.utf8.count <= Bound.text
        case .verdict(let verdict): verdict.text.utf8.count <= Bound.text
        case .opened, .confirm, .resume, .resumed, .proof: true
        }
    }
}
