import Testing

import FTSLShell

@Suite("Escapes among the keys of a remote terminal")
struct EscapeKeysTests {
    /// What comes out of each text, which are typed one after the other.
    private func read(_ texts: String...) -> [String] {
        var escapes = EscapeKeys()
        return texts.map { text in
            escapes.read(text.utf8).map { item in
                switch item {
                case .keys(let keys): String(decoding: keys, as: UTF8.self)
                case .escape(let escape): "<\(escape)>"
                }
            }.joined()
        }
    }

    @Test("A tilde at the beginning, or after a newline, begins one")
    func beginning() {
        #expect(read("~.") == ["<end>"])
        #expect(read("ls\r~?") == ["ls\r<help>"])
        #expect(read("ls\n~s") == ["ls\n<status>"])
        #expect(read("~\u{1A}x") == ["<suspend>x"])
    }

    @Test("Anywhere else it is a tilde")
    func inside() {
        #expect(read("a~.", "~?", " ~s\u{7F}~.") == ["a~.", "~?", " ~s\u{7F}~."])
    }

    @Test("The two keys need not come together, and escapes may follow each other")
    func apart() {
        #expect(read("x\r", "~", ".") == ["x\r", "", "<end>"])
        #expect(read("~s~s\r~~") == ["<status><status>\r~"])
    }

    @Test("Two tildes are one, and other pairs are what they are")
    func others() {
        #expect(read("~~.", "\r~x~.", "\r~\r~.") == ["~.", "\r~x~.", "\r~\r<end>"])
    }
}
