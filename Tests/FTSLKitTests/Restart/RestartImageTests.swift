import FTSLCore
import NIOCore
import Testing

import FTSLKit

/// [FTSL §12]
@Suite("What a program leaves to the next one")
struct RestartImageTests {
    private var image: RestartImage {
        var image = RestartImage()
        image.since = Instant(nanoseconds: 7)
        image.descriptors = [.listener: 12, .control: 14, .reply: 99]
        image.service = ByteBuffer(string: "a folder")
        return image
    }

    @Test("It is read as it was written")
    func whole() throws {
        let read = try RestartImage(image.encoded)
        #expect(read.encoded == image.encoded)
        #expect(read.descriptors == image.descriptors && read.since == image.since)
        #expect(read.service == image.service && read.sessions.isEmpty)
    }

    @Test("Cut anywhere, or with a rest, it is refused")
    func torn() {
        let encoded = image.encoded
        for count in 0..<encoded.readableBytes {
            #expect(throws: Failure.self) {
                try RestartImage(encoded.getSlice(at: 0, length: count) ?? ByteBuffer())
            }
        }
        var more = encoded
        more.writeInteger(UInt8(0))
        #expect(throws: Failure.self) { try RestartImage(more) }
    }

    @Test("Another version is told from an image that is none")
    func version() {
        var other = image.encoded
        let label = "FTSL restart".utf8.count
        let later = RestartImage.version + 1
        other.setInteger(later, at: label)
        #expect { try RestartImage(other) } throws: {
            ($0 as? Failure)?.code == .versionMismatch && "\($0)".contains("version \(later)")
        }
        // An older program's is read: it says less.
        other.setInteger(UInt16(1), at: label)
        #expect(throws: Never.self) { try RestartImage(other) }
        #expect { try RestartImage(ByteBuffer(string: "hello")) } throws: {
            ($0 as? Failure)?.code == .malformedFrame
        }
    }

    @Test("What a successor answers depends on every byte of the image")
    func answer() {
        var other = image.encoded
        other.setInteger(UInt8(1), at: other.writerIndex - 1)
        #expect(Successor.answer(to: image.encoded) == Successor.answer(to: image.encoded))
        #expect(Successor.answer(to: image.encoded) != Successor.answer(to: other))
    }
}
