import FTSLCore
import NIOCore
import Testing

struct PrefaceTests {
    @Test("Any beginning of the preface may still become one")
    func prefixes() {
        for count in 0...Preface.bytes.count {
            #expect(Preface.foreign(ByteBuffer(bytes: Preface.bytes.prefix(count))) == nil)
        }
        #expect(Preface.foreign(ByteBuffer(bytes: Preface.bytes + [1, 2, 3])) == nil)
    }

    /// [FTSL §3.1]
    @Test("A preface damaged at any byte is noticed")
    func damage() {
        for index in Preface.bytes.indices {
            var bytes = Preface.bytes
            bytes[index] ^= 0x80
            #expect(Preface.foreign(ByteBuffer(bytes: bytes)) != nil)
        }
    }

    @Test(
        "Well-known protocols are called by their names",
        arguments: [
            ("HTTP/1.1 400 Bad", "HTTP"), ("GET / HTTP/1.1", "HTTP"),
            ("SSH-2.0-OpenSSH", "SSH"), ("220 mail ready", "SMTP or FTP"),
            ("\u{16}\u{03}\u{01}", "TLS"), ("hello there\n", "a text protocol (hello there)"),
        ])
    func names(_ text: String, _ name: String) {
        #expect(Preface.foreign(ByteBuffer(string: text)) == name)
    }

    @Test("Bytes of no protocol are called that")
    func binary() {
        #expect(Preface.foreign(ByteBuffer(bytes: [0, 1, 2, 255])) == "an unknown binary protocol")
    }
}
