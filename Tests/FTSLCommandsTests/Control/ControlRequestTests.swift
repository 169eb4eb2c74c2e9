import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("Requests over a control socket")
struct ControlRequestTests {
    @Test("A request survives the wire")
    func roundTrip() throws {
        let request = ControlRequest(
            "kill", ["session": .string("ab"), "n": .integer(3), "hard": .bool(true)])
        let line = request.line
        #expect(line.hasSuffix("\n") && line.count { $0 == "\n" } == 1)
        let back = try #require(ControlRequest(Array(line.utf8.dropLast())))
        #expect(back == request)
        #expect(back.text("session") == "ab" && back.number("n") == 3 && back.flag("hard"))
        #expect(back.text("n") == nil && back.number("session") == nil && !back.flag("soft"))
    }

    @Test("What is no request is none", arguments: ["", "x", "[]", "{}", #"{"command":1}"#, "{"])
    func garbage(text: String) {
        #expect(ControlRequest(Array(text.utf8)) == nil)
    }

    @Test("A reply ends once")
    func once() {
        let reply = ControlReply(to: nil)
        var ends = 0
        reply.onDone = { ends += 1 }
        reply.done(.success)
        reply.done(.internalError, error: "again")
        #expect(ends == 1 && reply.isDone)
    }

    @Test("The last line's status, sentence and code become the command's ending")
    func endings() {
        #expect(ControlCall.ending(of: ["done": .bool(true), "status": .integer(0)]) == nil)
        let ending = ControlCall.ending(of: [
            "status": .integer(83), "error": .string("no"), "code": .string("busy"),
        ])
        #expect(ending == Ending(.rolledBack, "no", code: .busy))
        #expect(ControlCall.ending(of: ["status": .integer(12)])?.status == 70)
    }
}
