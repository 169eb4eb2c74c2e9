import FTSLCore
import NIOCore
import Testing

struct InstantTests {
    @Test("Never stays never: arithmetic saturates")
    func saturation() {
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant(nanoseconds: .max - 5) + .nanoseconds(6) == .distantFuture)
        #expect(Instant.distantFuture.advanced(nanoseconds: 1) == .distantFuture)
        #expect(Instant.ms(1) + .seconds(Int64.max) == .distantFuture)
    }

    @Test("A negative duration does not move an instant, and no span is negative")
    func negative() {
        #expect(Instant.ms(5) + .seconds(-3) == .ms(5))
        #expect(Instant.ms(5).since(.ms(9)) == .zero)
        #expect(Instant.ms(9).since(.ms(5)) == .milliseconds(4))
        #expect(Duration.seconds(-1).wholeNanoseconds == 0)
    }

    @Test("Durations become whole nanoseconds and seconds without loss")
    func conversion() {
        #expect(Duration.milliseconds(1_500).wholeNanoseconds == 1_500_000_000)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.milliseconds(250).inSeconds == 0.25)
    }
}

struct IdentifierTests {
    @Test("A session's name is 32 digits with its leading zeros")
    func sessionID() {
        let id = SessionID(high: 0xAB, low: 1)
        #expect(id.description == "00000000000000ab0000000000000001")
        var a = CountingGenerator(seed: 1)
        var b = CountingGenerator(seed: 1)
        #expect(SessionID.random(using: &a) == SessionID.random(using: &b))
        #expect(SessionID.random(using: &a) != SessionID.random(using: &a))
    }

    @Test("A move counts more than any number of starts")
    func generations() {
        #expect(Generation(moves: 0, starts: 900) < Generation(moves: 1, starts: 0))
        #expect(Generation(moves: 1, starts: 2) < Generation(moves: 1, starts: 3))
        #expect(Generation.first == Generation(moves: 0, starts: 0))
    }

    @Test("Attachment numbers rise by one from the opening's zero")
    func attachments() {
        #expect(AttachmentNumber.opening.next == AttachmentNumber(1))
        #expect(AttachmentNumber(9) < AttachmentNumber(10))
        #expect(ChannelNumber.main < .standardError)
        #expect(ConnectionID(1) < ConnectionID(2))
    }
}

struct LimitsTests {
    /// [FTSL §3.3]
    @Test("Both ends keep the smaller heartbeat and time-out, and each other's sizes")
    func agreement() {
        let own = SessionLimits(
            maxPayload: 2_000, initialWindow: 5_000, heartbeat: .seconds(2),
            sessionTimeout: .seconds(60))
        let peer = SessionLimits(
            maxPayload: 9_000, initialWindow: 7_000, heartbeat: .milliseconds(500),
            sessionTimeout: .seconds(90))
        let agreed = AgreedLimits(own: own, peer: peer)
        #expect(agreed.sendPayload == 9_000)
        #expect(agreed.receivePayload == 2_000)
        #expect(agreed.sendWindow == 7_000)
        #expect(agreed.receiveWindow == 5_000)
        #expect(agreed.heartbeat == .milliseconds(500))
        #expect(agreed.sessionTimeout == .seconds(60))
    }

    @Test("A heartbeat or time-out of zero becomes the smallest there is")
    func noZeroes() {
        let limits = SessionLimits(heartbeat: .zero, sessionTimeout: .milliseconds(1))
        #expect(limits.heartbeatMilliseconds == 1)
        #expect(limits.sessionTimeoutSeconds == 1)
    }

    @Test("The bounds agree with each other")
    func relations() {
        #expect(Bound.minPayload <= Bound.maxPayload)
        #expect(Bound.reservedWindow <= Bound.initialWindow)
        #expect(Int(Bound.maxPayload) + Bound.dataHeader <= Bound.readAhead)
        #expect(Bound.handshakeDeadline < Bound.unconfirmed)
        #expect(Bound.redialFirst < Bound.redialCap)
    }
}

struct DigestTests {
    @Test("A digest does not depend on how the bytes were cut")
    func incremental() {
        let whole = pattern(5_000)
        for cut in [0, 1, 7, 240, 241, 4_999, 5_000] {
            #expect(digest(pattern(cut), pattern(5_000 - cut, from: cut)) == digest(whole))
        }
    }

    @Test("A digest's image depends on its bytes only, and goes on as the digest would")
    func digestImages() {
        let all = ByteBuffer(bytes: (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        for length in [0, 1, 63, 64, 65, 255, 256, 257, 320, 512, 999] {
            let first = all.getSlice(at: 0, length: length) ?? ByteBuffer()
            let rest = all.getSlice(at: length, length: 1_000 - length) ?? ByteBuffer()
            let (one, other, restored) = (StreamDigest(), StreamDigest(), StreamDigest())
            // Memory that one has used before, and the other has not.
            one.update(all)
            one.assign(StreamDigest())
            one.update(first)
            for byte in first.readableBytesView { other.update(ByteBuffer(bytes: [byte])) }
            #expect(one.value == other.value)
            let image = other.image
            #expect(StreamDigest.imageSize == image.count && image == other.copy().image)
            #expect(restored.restore(image) && restored.value == one.value)
            restored.update(rest)
            one.update(rest)
            #expect(restored.value == one.value, "\(length)")
        }
    }

    @Test("A copy goes its own way")
    func copies() {
        let first = StreamDigest()
        first.update(bytes("ab"))
        let second = first.copy()
        second.update(bytes("c"))
        #expect(first.value == digest(bytes("ab")))
        #expect(second.value == digest(bytes("abc")))
        first.assign(second)
        first.update(bytes("d"))
        #expect(first.value == digest(bytes("abcd")))
        #expect(second.value == digest(bytes("abc")))
    }
}

struct FailureTests {
    @Test("Codes below 30, and only those, are violations")
    func violations() {
        for code in FailureCode.allCases {
            #expect(code.isViolation == (code.rawValue < 30))
        }
        #expect(Failure.violation(.positionGap, "x").fault == .peer)
    }

    /// [FTSL §8]
    @Test("Numbers on the wire never change")
    func stableNumbers() {
        let numbers = FailureCode.allCases.map(\.rawValue)
        #expect(Set(numbers).count == numbers.count)
        #expect(FailureCode.diverged.rawValue == 22)
        #expect(FailureCode.sessionGone.rawValue == 50)
        #expect(FailureCode.staleAttachment.rawValue == 54)
        #expect(FailureCode.localInputOutput.rawValue == 65)
    }

    @Test("Only complete and stopped are good outcomes")
    func outcomes() {
        let failure = Failure(.local, .applicationFailed, "")
        #expect(Outcome.complete.isGood)
        #expect(Outcome.stopped(at: 0).isGood)
        #expect(!Outcome.aborted(failure, received: 0, acknowledged: 0).isGood)
        #expect(!Outcome.lost(failure, received: 0, acknowledged: 0).isGood)
    }
}
