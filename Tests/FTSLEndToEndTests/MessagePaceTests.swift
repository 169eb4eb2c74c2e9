import Foundation
import Testing

@Suite("How fast an input is read", .onStage)
struct MessagePaceTests {
    /// Far more than is read ahead of what is sent.
    private static let count = 20_000

    @Test("An inbox that stands still holds no input up: all is in the outbox, and delivered later")
    func standsStill() throws {
        let listener = try stage.listenForMessages(["--heartbeat", "20s"])
        let sender = try stage.ftsl(
            ["send", "--outbox", stage.outbox, "-l", "--json", listener.endpoint], input: .pipe)
        sender.input?.write("0\n")
        // The way is open.
        _ = try sender.output?.line(containing: "accepted", .seconds(20))
        listener.program.signal(SIGSTOP)
        sender.input?.write((1...Self.count).map { "\($0)\n" }.joined())
        sender.input?.close()
        // The connection counts as alive for 50 s.
        try eventually("everything waits in the outbox") { try stage.queued() >= Self.count }
        listener.program.signal(SIGCONT)
        try expectStatus(0, sender, .seconds(60))
        #expect(try stage.bodies(in: listener.endpoint) == (0...Self.count).map(String.init))
    }
}
