import FTSLCore
import NIOCore
import Testing

struct HandshakeReaderTests {
    /// What an initiator says first.
    private func question() -> ByteBuffer {
        var rng = CountingGenerator(seed: 1)
        var handshake = InitiatorHandshake.opening(
            service: "café", limits: SessionLimits(), maxWindow: 1, using: &rng)
        return handshake.takeOutgoing() ?? ByteBuffer()
    }

    @Test("A question is the preface and OPEN, said once")
    func opening() throws {
        var rng = CountingGenerator(seed: 1)
        var handshake = InitiatorHandshake.opening(
            service: "s", limits: SessionLimits(), maxWindow: 1, using: &rng)
        let bytes = try #require(now { handshake.takeOutgoing() })
        #expect(Array(bytes.readableBytesView.prefix(8)) == Preface.bytes)
        #expect(bytes.getInteger(at: 12, as: UInt8.self) == FrameKind.open.rawValue)
        #expect(handshake.takeOutgoing() == nil)
        #expect(!handshake.heardAnything)
    }

    @Test("A question cut at any byte is waited for and read the same")
    func everyCut() throws {
        let whole = question()
        for cut in 0..<whole.readableBytes {
            var reader = HandshakeReader()
            reader.append(try #require(whole.getSlice(at: 0, length: cut)))
            #expect(try reader.next() == nil)
            reader.append(try #require(whole.getSlice(at: cut, length: whole.readableBytes - cut)))
            let frame = try #require(try now { try reader.next() })
            guard case .open(let open) = frame.message else {
                Issue.record("no OPEN")
                return
            }
            #expect(open.service == "café")
            #expect(open.versions == ProtocolVersion.supported)
            #expect(frame.transcript == whole)
        }
    }

    @Test("What follows the last handshake frame is handed on")
    func rest() throws {
        var reader = HandshakeReader()
        reader.append(question())
        reader.append(bytes("stream"))
        _ = try reader.next()
        #expect(reader.takeRest() == bytes("stream"))
        #expect(reader.takeRest().readableBytes == 0)
    }

    @Test("A stranger cannot make this end hold more than a handshake frame")
    func oversize() {
        for length in [0, UInt32(Bound.handshakeFrame) + 1, .max] {
            var reader = HandshakeReader()
            reader.append(ByteBuffer(bytes: Preface.bytes))
            reader.append(ByteBuffer(integer: length))
            #expect(code { () throws(Failure) in _ = try reader.next() } == .frameTooLarge)
        }
    }

    @Test("Stream frames and unknown kinds do not belong in a handshake")
    func kinds() {
        for kind in UInt8.min...UInt8.max {
            var reader = HandshakeReader()
            reader.append(ByteBuffer(bytes: Preface.bytes + [0, 0, 0, 1, kind]))
            let thrown = code { () throws(Failure) in _ = try reader.next() }
            switch FrameKind(rawValue: kind) {
            case nil: #expect(thrown == .unknownKind)
            case let known? where known.isHandshake: #expect(thrown == .malformedFrame)
            default: #expect(thrown == .unexpectedFrame)
            }
        }
    }

    @Test("An answer that is itself a question is a violation")
    func crossedQuestions() {
        var rng = CountingGenerator(seed: 2)
        var handshake = InitiatorHandshake.opening(
            service: "", limits: SessionLimits(), maxWindow: 1, using: &rng)
        #expect(
            code { () throws(Failure) in _ = try handshake.receive(question()) }
                == .unexpectedFrame)
        #expect(handshake.heardAnything)
    }

    @Test("Text is cut on a character's boundary")
    func longText() throws {
        var rng = CountingGenerator(seed: 1)
        var handshake = InitiatorHandshake.opening(
            service: String(repeating: "é", count: 200), limits: SessionLimits(), maxWindow: 1,
            using: &rng)
        var reader = HandshakeReader()
        reader.append(try #require(now { handshake.takeOutgoing() }))
        guard case .open(let open) = try reader.next()?.message else {
            Issue.record("no OPEN")
            return
        }
        #expect(open.service == String(repeating: "é", count: 127))
    }
}
