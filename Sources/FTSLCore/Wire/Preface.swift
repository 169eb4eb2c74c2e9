package import NIOCore

/// The first eight bytes each side sends; made so that text-mode and 7-bit relays damage it
/// visibly. [FTSL §3.1]
package enum Preface {
    package static let bytes: [UInt8] = [0x46, 0x54, 0x53, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Nil while the bytes so far agree with the preface; otherwise what the peer seems to speak.
    package static func foreign(_ buffer: ByteBuffer) -> String? {
        let view = buffer.readableBytesView.prefix(bytes.count)
        guard !view.elementsEqual(bytes.prefix(view.count)) else { return nil }
        return guess(buffer)
    }

    private static func guess(_ buffer: ByteBuffer) -> String {
        let head = Array(buffer.readableBytesView.prefix(16))
        let text = String(decoding: head, as: UTF8.self)
        let names: [(String, String)] = [
            ("HTTP/", "HTTP"), ("<!DOCTYPE", "HTTP"), ("<html", "HTTP"), ("GET ", "HTTP"),
            ("POST ", "HTTP"), ("HEAD ", "HTTP"),
            ("PUT ", "HTTP"), ("OPTIONS ", "HTTP"), ("CONNECT ", "HTTP"), ("PRI * ", "HTTP/2"),
            ("SSH-", "SSH"), ("220 ", "SMTP or FTP"), ("220-", "SMTP or FTP"), ("+OK", "POP3"),
            ("* OK", "IMAP"), ("-ERR", "Redis"), ("AMQP", "AMQP"), ("RFB ", "VNC"),
            ("INFO {", "NATS"),
        ]
        for (prefix, name) in names where text.hasPrefix(prefix) { return name }
        if head.count >= 2, head[0] == 0x16 || head[0] == 0x15, head[1] == 0x03 { return "TLS" }
        if head.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0D || $0 == 0x0A }) {
            return "a text protocol (\(printable(head)))"
        }
        return "an unknown binary protocol"
    }

    private static func printable(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.filter { (0x20..<0x7F).contains($0) }, as: UTF8.self)
    }
}
