import FTSLCore
import Foundation
import NIOCore
import Testing

/// The codec against bytes that another program made from the specification.
struct VectorTests {
    struct Vector: Sendable {
        var name: String
        var bytes: [UInt8]

        /// Length and kind in front, the body after.
        var kind: FrameKind? { bytes.count > 4 ? FrameKind(rawValue: bytes[4]) : nil }
        var body: ByteBuffer { ByteBuffer(bytes: bytes.dropFirst(5)) }
    }

    /// Read once, never written.
    nonisolated(unsafe) static let document: [String: Any] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Vectors/frames.json")
        guard let data = try? Data(contentsOf: path),
            let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return [:] }
        return object
    }()

    static func vectors(_ section: String) -> [Vector] {
        rows(section).map { row in
            Vector(name: row["name"] as? String ?? "", bytes: hexadecimal(row["hex"]))
        }
    }

    static func rows(_ section: String) -> [[String: Any]] {
        document[section] as? [[String: Any]] ?? []
    }

    static func hexadecimal(_ value: Any?) -> [UInt8] {
        let digits = Array((value as? String ?? "").utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).map { index in
            UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
        }
    }

    @Test("The vectors are there")
    func present() {
        #expect(Self.vectors("frames").count >= 29)
        #expect(Self.vectors("invalid").count >= 17)
        #expect(Self.rows("keySchedules").count >= 2)
        #expect(Self.rows("handshakes").count >= 5)
        #expect(Self.hexadecimal(Self.document["preface"]) == Preface.bytes)
    }

    @Test("Every handshake frame is read and written as specified")
    func handshakeFrames() throws {
        var count = 0
        for vector in Self.vectors("frames") {
            guard let kind = vector.kind, kind.isHandshake else { continue }
            count += 1
            let macLength = kind == .open ? 0 : HandshakeMessage.macLength
            let body = Array(vector.bytes.dropFirst(5).dropLast(macLength))
            let message = try HandshakeMessage(kind: kind, body: ByteBuffer(bytes: body))
            #expect(message.kind == kind)
            #expect(
                Array(message.encoded().readableBytesView)
                    == Array(vector.bytes.dropLast(macLength)), "\(vector.name)")
        }
        #expect(count == 12)
    }

    @Test("Every stream frame is read and written as specified")
    func streamFrames() throws {
        var count = 0
        for vector in Self.vectors("frames") {
            guard let kind = vector.kind, !kind.isHandshake, kind != .data else { continue }
            count += 1
            let frame = try StreamFrame(kind: kind, body: vector.body)
            var out = ByteBuffer()
            frame.encode(into: &out)
            if case .extension = frame {
                // What an unknown extension carries is skipped, so only its type comes back.
                #expect(Array(out.readableBytesView.suffix(2)) == Array(vector.bytes[5...6]))
            } else {
                #expect(Array(out.readableBytesView) == vector.bytes, "\(vector.name)")
            }
        }
        #expect(count == 16)
    }

    @Test("DATA comes out with channel, position and payload, and goes in the same")
    func data() throws {
        for vector in Self.vectors("frames") where vector.kind == .data {
            var decoder = FrameDecoder(maxPayload: 65_536)
            decoder.append(ByteBuffer(bytes: vector.bytes))
            guard case .data(let channel, let position, let payload) = try decoder.next() else {
                Issue.record("\(vector.name) is no DATA")
                continue
            }
            var out = ByteBuffer()
            StreamFrame.dataHeader(
                channel, position: position, count: payload.readableBytes, into: &out)
            out.writeImmutableBuffer(payload)
            #expect(Array(out.readableBytesView) == vector.bytes)
        }
    }

    @Test("Every invalid frame is a violation")
    func invalid() {
        for vector in Self.vectors("invalid") {
            let isHandshake = vector.bytes.count > 4 && (1...7).contains(vector.bytes[4])
            var thrown: FailureCode?
            if isHandshake {
                var reader = HandshakeReader()
                reader.append(ByteBuffer(bytes: Preface.bytes + vector.bytes))
                thrown = code { () throws(Failure) in _ = try reader.next() }
            } else {
                var decoder = FrameDecoder(maxPayload: 65_536)
                decoder.append(ByteBuffer(bytes: vector.bytes))
                thrown = code { () throws(Failure) in
                    while try decoder.next() != nil {}
                }
            }
            #expect(thrown?.isViolation == true, "\(vector.name)")
        }
    }

    @Test("Key schedules give the specified secret from both sides")
    func keySchedules() throws {
        for row in Self.rows("keySchedules") {
            let mine = HandshakeKey(seed: Self.hexadecimal(row["initiatorPrivate"]))
            let theirs = HandshakeKey(seed: Self.hexadecimal(row["acceptorPrivate"]))
            #expect(mine.publicKey == Self.hexadecimal(row["initiatorPublic"]))
            #expect(theirs.publicKey == Self.hexadecimal(row["acceptorPublic"]))
            let nonceC = Self.hexadecimal(row["nonceC"])
            let nonceS = Self.hexadecimal(row["nonceS"])
            for (key, peer) in [(mine, theirs), (theirs, mine)] {
                let secret = try key.secret(
                    peer: peer.publicKey, initiatorNonce: nonceC, acceptorNonce: nonceS)
                #expect(secret.bytes == Self.hexadecimal(row["secret"]))
            }
        }
    }

    @Test("Every MAC of every recorded handshake verifies, and is what this end would say")
    func handshakes() throws {
        var secrets: [String: SessionSecret] = [:]
        for row in Self.rows("keySchedules") {
            secrets[row["name"] as? String ?? ""] = SessionSecret(
                bytes: Self.hexadecimal(row["secret"]))
        }
        var verified = 0
        for handshake in Self.rows("handshakes") {
            let secret = try #require(secrets[handshake["keys"] as? String ?? ""])
            let messages = handshake["messages"] as? [[String: Any]] ?? []
            for message in messages {
                let bytes = Self.hexadecimal(message["hex"])
                guard let kind = FrameKind(rawValue: bytes[4]), kind != .open else { continue }
                let mac = Array(bytes.suffix(HandshakeMessage.macLength))
                guard mac.contains(where: { $0 != 0 }) else { continue }
                let transcript = ByteBuffer(bytes: Self.hexadecimal(message["transcriptBeforeMac"]))
                let sender: Role =
                    message["from"] as? String == "initiator" ? .initiator : .acceptor
                #expect(secret.verify(mac, by: sender, kind: kind, transcript: transcript))
                #expect(secret.mac(by: sender, kind: kind, transcript: transcript) == mac)
                verified += 1
            }
        }
        #expect(verified >= 7)
    }

    @Test("The transcript is every byte of both sides in order")
    func transcripts() throws {
        for handshake in Self.rows("handshakes") {
            var atInitiator = HandshakeReader()
            for message in handshake["messages"] as? [[String: Any]] ?? [] {
                let sent = ByteBuffer(bytes: Self.hexadecimal(message["sent"]))
                if message["from"] as? String == "initiator" {
                    atInitiator.sent(sent)
                    continue
                }
                atInitiator.append(sent)
                let frame = try #require(try now { try atInitiator.next() })
                // Nothing is said about the transcript where the MAC is zero.
                guard let covered = message["transcriptBeforeMac"] as? String else { continue }
                #expect(Array(frame.transcript.readableBytesView) == Self.hexadecimal(covered))
            }
        }
    }

    @Test("Digests are XXH3-64 at every size class")
    func digests() {
        for row in Self.rows("digests") {
            let size = row["size"] as? Int ?? 0
            let bytes = ByteBuffer(bytes: (0..<size).map { UInt8($0 % 251) })
            #expect(String(digest(bytes)) == row["digest"] as? String, "\(size) bytes")
        }
    }
}
