import NIOCore
import Testing

import FTSLShell

@Suite("Text of a peer")
struct PeerTextTests {
    private func lines(_ parts: [String], colored: Bool = true) -> String {
        var text = PeerText(colored: colored)
        return parts.map { text.lines(after: ByteBuffer(string: $0)) }.joined() + text.flush()
    }

    @Test("Lines are whole however their bytes come")
    func pieces() {
        let text = "one\n漢é\n\nlast"
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var peer = PeerText(colored: true)
            var shown = peer.lines(after: ByteBuffer(bytes: bytes[..<cut]))
            shown += peer.lines(after: ByteBuffer(bytes: bytes[cut...]))
            #expect(shown + peer.flush() == text + "\n", "cut at \(cut)")
        }
    }

    @Test(
        "What would move the cursor or ask the terminal is shown, not done [FTSL §3]",
        arguments: [
            ("a\u{1B}[2Jb", "a<1b>[2Jb"), ("\u{7}\u{8}", "<7><8>"), ("a\tb", "a\tb"),
            ("a\rb", "a<d>b"), ("x\u{1B}]0;t\u{7}", "x<1b>]0;t<7>"), ("\u{9B}6n", "<9b>6n"),
            ("\u{202E}abc", "<202e>abc"), ("\u{1B}[31", "<1b>[31"),
        ])
    func harmless(text: String, shown: String) {
        #expect(lines([text]) == shown + "\n")
    }

    @Test("Colours pass where they are allowed, and end with their line")
    func colors() {
        let red = "\u{1B}[31mred\n"
        #expect(lines([red]) == "\u{1B}[31mred\u{1B}[0m\n")
        #expect(lines([red], colored: false) == "red\n")
    }

    @Test("A line end of two characters is one")
    func carriageReturn() { #expect(lines(["a\r\nb\r\n"]) == "a\nb\n") }

    @Test("Bytes that are no UTF-8 are replaced")
    func invalid() {
        var text = PeerText(colored: true)
        #expect(text.lines(after: ByteBuffer(bytes: [0x61, 0xFF, 0x0A])) == "a\u{FFFD}\n")
    }

    @Test("A line without an end is bounded, and short before a prompt")
    func bounded() {
        var text = PeerText(colored: true)
        #expect(text.lines(after: ByteBuffer(string: "login: ")) == "")
        #expect(text.beginning == "login: ")
        #expect(text.lines(after: ByteBuffer(repeating: 0x61, count: 100)) == "")
        #expect(text.beginning.count == 60)
        #expect(text.lines(after: ByteBuffer(repeating: 0x61, count: 4096)).count > 4096)
        #expect(text.beginning == "")
    }
}
