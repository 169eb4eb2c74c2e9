import FTSLCore
import Foundation
import NIOCore
import Testing

/// What hosts of older versions wrote. [FTSL §10.4]
@Suite("Images that were kept")
struct KeptImageTests {
    private let a = AcceptorBench(instance: 1)
    private let b = AcceptorBench(instance: 2)
    private let client = InitiatorBench { $0.endpointCount = 1 }
    private let target = MoveTarget(endpoints: ["b:1"], key: "", generation: .first)

    /// A host of this version and one of the next must understand each other. When this fails,
    /// `MigrationMessage.imageVersion` is to be raised, and a fixture added, not changed. The
    /// session in it is the one that these two open, as far as its secret and positions go.
    @Test("A session in an image of version 1 goes on, and is written as it was")
    func kept() throws {
        client.start()
        let connection = open(client, a)
        let id = try #require(a.core.streamSessions.first)
        client.core.session?.write(bytes("abcdef"), to: .main)
        a.say(client.dial.map { client.hear($0.id) } ?? ByteBuffer(), on: connection)
        #expect(received(a.core.session(id)) == "abcdef")
        a.core.session(id)?.took(6, from: .main, now: a.now)
        a.core.session(id)?.takeBack(bytes("def"), from: .main)
        a.core.session(id)?.write(bytes("123"), to: .main)
        a.core.freeze([id])
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/image-1.hex")
        let kept = Self.parsed(try String(contentsOf: file, encoding: .utf8))
        let read = try HostImage(kept)
        #expect(read.encoded == kept)
        let session = try #require(read.sessions.first)
        #expect(session.isConsistent && session.id == id)
        #expect(session.application == bytes("7") && session.unread == bytes("def"))
        try b.core.adopt(session, now: b.now)
        a.core.depart([id], to: target, now: a.now)
        a.drain()
        b.core.activate([id], now: b.now)
        b.drain()
        b.core.session(id)?.takeBack(session.unread, from: .main)
        client.say(a.hear(connection))
        resume(client, b)
        #expect(received(client.core.session) == "123")
        #expect(received(b.core.session(id)) == "def")
    }

    private static func parsed(_ lines: String) -> ByteBuffer {
        let digits = Array(lines.filter { $0 != "\n" })
        return ByteBuffer(
            bytes: stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(digits[$0...$0 + 1]), radix: 16)
            })
    }

    private func received(_ session: Session?) -> String {
        var text = ""
        while let event = session?.nextEvent() {
            if case .data(.main, let bytes) = event { text += String(buffer: bytes) }
        }
        return text
    }
}
