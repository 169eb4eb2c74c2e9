import FTSLCore
import FTSLKit
import Foundation
import NIOCore
import Testing

/// Answers each line with itself, and counts who went away.
private final class Echo: ControlDelegate {
    var asked: [String] = []
    /// Kept without an answer.
    var waiting: (any ControlAsker)?

    func control(_ client: any ControlAsker, asks line: [UInt8]) {
        asked.append(String(decoding: line, as: UTF8.self))
        guard asked.last != "wait" else {
            waiting = client
            return
        }
        client.send("\(asked.last ?? "")\n")
        client.finish()
    }

    func control(refusing reason: Failure) -> String { "refused: \(reason.text)\n" }
}

/// A control socket in a folder of its own.
private final class Served {
    let loop = TestLoop()
    let path: String
    let echo: Carried<Echo>
    private let folder: String
    private var socket: Carried<ControlSocket>?

    init() throws {
        var template = Array("/tmp/ftsl-control-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        let path = "\(folder)/x.sock"
        self.path = path
        let echo = Carried(Echo())
        self.echo = echo
        socket = try Self.serve(path, echo, loop)
    }

    static func serve(
        _ path: String, _ echo: Carried<Echo>, _ loop: TestLoop
    ) throws -> Carried<ControlSocket> {
        try loop.run {
            Carried(try ControlSocket(path, delegate: echo.value, on: loop.loop))
        }
    }

    func close() throws {
        let socket = socket
        try loop.run { socket?.value.close() }
    }

    func line(_ link: ControlLink) throws -> String {
        String(decoding: try link.line(by: MonotonicClock.now + .seconds(10)), as: UTF8.self)
    }

    func ask(_ link: ControlLink, _ text: String) throws {
        try link.send(text + "\n", by: MonotonicClock.now + .seconds(10))
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

@Suite("Control sockets, by themselves")
struct ControlTests {
    @Test(
        "A name has letters, digits and . _ -, and is neither option nor hidden file",
        arguments: [
            ("a", true), ("38750", true), ("a.b_c-d", true), ("_x", true), ("", false),
            ("-a", false), (".a", false), ("a/b", false), ("a b", false), ("ä", false),
            (String(repeating: "x", count: 64), true), (String(repeating: "x", count: 65), false),
        ])
    func names(text: String, isName: Bool) {
        #expect(ControlFolder.isName(text) == isName)
        if !text.isEmpty { #expect(ControlFolder.isName(ControlFolder.name(like: text))) }
        if isName { #expect(ControlFolder.name(like: text) == text) }
    }

    @Test("Lines are answered one by one, in their order, however they come")
    func lines() throws {
        let served = try Served()
        let link = try ControlLink(served.path)
        try served.ask(link, "one\ntwo")
        #expect(try served.line(link) == "one")
        #expect(try served.line(link) == "two")
        try served.ask(link, String(repeating: "x", count: 60_000))
        #expect(try served.line(link).count == 60_000)
        try served.close()
    }

    @Test("A request without end and a client too many are refused, and others still served")
    func bounds() throws {
        let served = try Served()
        let endless = try ControlLink(served.path)
        try served.ask(endless, String(repeating: "x", count: 70_000))
        #expect(try served.line(endless).hasPrefix("refused: a request"))
        var links: [ControlLink] = []
        for number in 0..<ControlSocket.maxClients {
            links.append(try ControlLink(served.path))
            try served.ask(links[number], "\(number)")
            let answer = try served.line(links[number])
            // The one before may still be on its way out.
            #expect(answer == "\(number)" || number == ControlSocket.maxClients - 1)
        }
        let last = try ControlLink(served.path)
        #expect(try served.line(last).hasPrefix("refused: "))
        #expect(try served.line(links[0], asking: "again") == "again")
        try served.close()
    }

    @Test("A name that is served is taken; one that was left is taken over")
    func taking() throws {
        let served = try Served()
        #expect(throws: ControlFailure.inUse) {
            _ = try Served.serve(served.path, served.echo, served.loop)
        }
        try served.close()
        #expect(!FileManager.default.fileExists(atPath: served.path))
        #expect(throws: ControlLink.Lost.self) { try ControlLink(served.path) }
        // What a killed process leaves: a file that nobody listens at.
        try Data().write(to: URL(fileURLWithPath: served.path))
        let again = try Served.serve(served.path, served.echo, served.loop)
        let link = try ControlLink(served.path)
        try served.ask(link, "x")
        #expect(try served.line(link) == "x")
        try served.loop.run { again.value.close() }
    }

    @Test("Nobody waits longer than the limit, and a client that leaves is noticed")
    func waiting() throws {
        let served = try Served()
        var link: ControlLink? = try ControlLink(served.path)
        try served.ask(try #require(link), "wait")
        let lost = #expect(throws: ControlLink.Lost.self) {
            try link?.line(by: MonotonicClock.now + .milliseconds(50))
        }
        #expect(lost?.text == "it does not answer")
        let echo = served.echo
        let gone = Carried(Flag())
        try served.loop.run { echo.value.waiting?.onGone = { gone.value.isSet = true } }
        link = nil
        // Written to, a socket without a reader says so.
        try served.loop.expect("the client is gone") {
            echo.value.waiting?.send("x\n")
            return gone.value.isSet
        }
        try served.close()
    }
}

private final class Flag {
    var isSet = false
}

extension Served {
    fileprivate func line(_ link: ControlLink, asking text: String) throws -> String {
        try ask(link, text)
        return try line(link)
    }
}

@Suite("Requests are lines")
struct RequestLinesTests {
    @Test("They are cut out of bytes in any pieces, and one without an end is found out")
    func pieces() {
        var lines = RequestLines()
        for byte in "one\n\ntwo\nthr".utf8 { lines.append(ByteBuffer(bytes: [byte])) }
        #expect(lines.next() == Array("one".utf8))
        #expect(lines.next() == [])
        #expect(lines.next() == Array("two".utf8))
        #expect(lines.next() == nil)
        lines.append(ByteBuffer(string: "ee\n"))
        #expect(lines.next() == Array("three".utf8))
        lines.append(ByteBuffer(repeating: 0x78, count: RequestLines.maxLine))
        #expect(!lines.isTooLong)
        lines.append(ByteBuffer(string: "x"))
        #expect(lines.isTooLong && lines.next() == nil)
    }
}
