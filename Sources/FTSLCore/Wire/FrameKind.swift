/// The second field of every frame. [FTSL §3.2]
package enum FrameKind: UInt8, CaseIterable, Sendable {
    case open = 0x01
    case opened = 0x02
    case confirm = 0x03
    case resume = 0x04
    case resumed = 0x05
    case proof = 0x06
    case verdict = 0x07

    case data = 0x10
    case fin = 0x11
    case ack = 0x12
    case blocked = 0x13
    case heartbeat = 0x14
    case stop = 0x18
    case abort = 0x19
    case exit = 0x1A
    case bye = 0x1B
    case superseded = 0x1C
    case endpoints = 0x1D
    case redirect = 0x1E
    case `extension` = 0x1F

    case lane = 0x20
    case ready = 0x21
    case message = 0x22
    case accepted = 0x23
    case recorded = 0x24
    case skip = 0x25
    case refused = 0x26
    case watch = 0x27
    case processed = 0x28
    case subscribe = 0x30
    case subscribed = 0x31
    case delivery = 0x32
    case settle = 0x33
    case settled = 0x34
    case grant = 0x35
    case caughtUp = 0x36
    case `return` = 0x37

    package var isHandshake: Bool { rawValue < 0x10 }
    /// Carried by a session's `MessagePort`.
    package var isMessage: Bool { rawValue >= 0x20 }

    /// Kinds set aside for more of messages; a violation until an agreed version
    /// has them. [FTSL §3.4]
    package static func isReserved(_ kind: UInt8) -> Bool {
        (0x20...0x4F).contains(kind) && FrameKind(rawValue: kind) == nil
    }
}
