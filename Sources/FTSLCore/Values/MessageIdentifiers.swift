/// The 128-bit durable identity of what one outbox sends to one destination; survives processes.
/// [FTSL §7.1]
package struct ProducerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random(using rng: inout some RandomNumberGenerator) -> ProducerID {
        ProducerID(high: rng.next(), low: rng.next())
    }

    package static func < (a: Self, b: Self) -> Bool { (a.high, a.low) < (b.high, b.low) }

    /// 32 hexadecimal digits.
    package var description: String { Hexadecimal.of(high) + Hexadecimal.of(low) }
}

/// The 128-bit identity of an inbox, made when it is created; moves with it. [FTSL §7.1]
package struct InboxID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random(using rng: inout some RandomNumberGenerator) -> InboxID {
        InboxID(high: rng.next(), low: rng.next())
    }

    /// 32 hexadecimal digits.
    package var description: String { Hexadecimal.of(high) + Hexadecimal.of(low) }
}

/// The number of a message on its lane: the first is 1, and none is left out.
package struct LaneSequence: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
    package static let first = LaneSequence(1)
    package var next: LaneSequence { LaneSequence(value + 1) }
    func advanced(by count: UInt64) -> LaneSequence { LaneSequence(value + count) }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// An inbox's own arrival number of a message: the first is 1; later messages have larger ones.
package struct InboxIndex: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
    package static let first = InboxIndex(1)
    package var next: InboxIndex { InboxIndex(value + 1) }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// Which time of its life a lane is in: larger for every LANE an inbox answers, so that frames of
/// an older one are told apart. Never on the wire. [FTSL §7.2]
package struct LaneFence: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// A hash over everything a producer ever submitted up to a message. [FTSL §7.3]
package struct ChainValue: Hashable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
    /// Before the first message.
    package static let empty = ChainValue(0)
}
