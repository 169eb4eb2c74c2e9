import FTSLCore
import Glibc
import NIOCore
import Testing

import FTSLKit

@Suite("Commands of --exec that leave no checkpoint", .serialized)
struct ExecUnmovableTests {
    private func reason(_ result: CheckpointAnswer) -> String {
        if case .failure(let failure) = result { return failure.text }
        return ""
    }

    private static let untilGo = "while [ ! -e $TEST_FOLDER/go ]; do sleep 0.01; done"

    @Test("Nothing is done to a command that has not declared itself")
    func undeclared() throws {
        let link = try ExecLink("exec cat")
        #expect(reason(try link.checkpoint()).contains("has not declared"))
        try link.send("goes on")
        try link.finish()
        try link.expectEnd(.status(0))
        #expect(try link.output == "goes on")
    }

    @Test("A declaration that nobody understands is quoted")
    func misdeclared() throws {
        let link = try ExecLink("echo 'ready KILL' >&4; echo done; exec cat")
        try link.expectOutput("done\n")
        #expect(reason(try link.checkpoint()).contains("\"ready KILL\""))
    }

    @Test("A command that ignores its signal goes on unharmed, and can be asked again")
    func ignoredSignal() throws {
        let link = try ExecLink("trap '' USR1; echo ready USR1 >&4; exec cat") {
            $0.checkpointTimeout = .milliseconds(50)
        }
        try link.expectReady()
        try link.send("before;")
        for _ in 0..<2 { #expect(reason(try link.checkpoint()).contains("within 50ms")) }
        let all = Raw.pattern(300_000)
        try link.send(all)
        try link.finish()
        try link.expectEnd(.status(0))
        let isWhole = try link.bytes == Array("before;".utf8) + all
        #expect(isWhole)
        let client = link.client
        #expect(try link.loop.run { client.outcome } == .complete)
    }

    @Test("A command that ignores the end of its input ends its session when it ends")
    func ignoredEnd() throws {
        let link = try ExecLink("echo ready >&4; cat; \(Self.untilGo); echo last; exit 4") {
            $0.checkpointTimeout = .milliseconds(50)
        }
        try link.send("first\n")
        try link.expectOutput("first\n")
        try link.expectReady()
        #expect(reason(try link.checkpoint()).contains("within 50ms"))
        #expect(try link.loop.run { link.exec.count } == 1)
        try link.send("never read")
        try link.loop.expect("it has come") {
            link.session?.receivingChannels[0].bytesReceived == 16
        }
        link.letGo()
        try link.expectEnd(.status(4))
        #expect(try link.output == "first\nlast\n")
        #expect(try link.loop.run { link.client.stoppedAt } == 6, "what was read, and no more")
    }

    @Test(
        "A checkpoint that comes late is started anew here, with all that came meanwhile",
        arguments: [
            "echo ready >&4; cat; \(untilGo); echo late >&4; exit 75",
            """
            trap '\(untilGo); echo late >&4; exit 75' USR1
            echo ready USR1 >&4; read -r line; echo "$line"; while :; do sleep 0.01; done
            """,
        ])
    func late(command: String) throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && { read -r word <&3; echo "$word"; exec cat; }
            \(command)
            """
        ) { $0.checkpointTimeout = .milliseconds(50) }
        try link.send("first\n")
        try link.expectOutput("first\n")
        try link.expectReady()
        #expect(reason(try link.checkpoint()).contains("within 50ms"))
        let all = Raw.pattern(400_000)
        try link.send(all)
        try link.finish()
        try link.loop.expect("some of it has come") {
            (link.session?.receivingChannels[0].bytesReceived ?? 0) > 65_536
        }
        link.letGo()
        try link.expectEnd(.status(0))
        let isWhole = try link.bytes == Array("first\nlate\n".utf8) + all
        #expect(isWhole)
        #expect(try link.loop.run { link.client.outcome } == .complete)
    }

    @Test(
        "A command that ends by itself when it is asked ends its session as always",
        arguments: [
            ("exit 6", ExitReport.status(6)), ("exit 75", .status(75)),
            ("echo x >&4; exit 0", .status(0)), ("kill -9 $$", .signal(9)),
        ])
    func ownEnd(end: String, report: ExitReport) throws {
        let link = try ExecLink("echo ready >&4; cat; echo bye; \(end)")
        try link.expectReady()
        #expect(try link.checkpoint() == .success(nil))
        try link.expectEnd(report)
        #expect(try link.output == "bye\n")
    }

    @Test("Of a command that has ended everything is heard before its session goes on without it")
    func heardOut() throws {
        let link = try ExecLink("cat; head -c 300000 /dev/zero & \(Self.untilGo); exit 6") {
            $0.checkpointTimeout = .milliseconds(200)
        }
        let client = link.client
        try link.loop.run { client.isStalled = true }
        try link.finish()
        link.letGo()
        try link.loop.expect("it has ended") { link.exec.count == 0 }
        #expect(try link.checkpoint() == .success(nil))
        #expect(
            try link.loop.run { link.session?.sendingChannels.allSatisfy(\.finished) } == true)
        try link.loop.run { client.isStalled = false }
        try link.expectEnd(.status(6))
        #expect(try link.bytes.count == 300_000)
    }

    @Test("What a command left running keeps its session here, and is heard")
    func leftRunning() throws {
        let link = try ExecLink("(\(Self.untilGo); echo last) & exit 6") {
            $0.checkpointTimeout = .milliseconds(50)
        }
        try link.loop.expect("it has ended") { link.exec.count == 0 }
        for _ in 0..<2 { #expect(reason(try link.checkpoint()).contains("left running")) }
        link.letGo()
        try link.expectEnd(.status(6))
        #expect(try link.output == "last\n")
    }

    @Test("Status 75 with a state is the command's own end when nobody asked")
    func unasked() throws {
        let link = try ExecLink("echo ready >&4; cat; echo x >&4; exit 75")
        try link.expectReady()
        try link.finish()
        try link.expectEnd(.status(75))
    }

    @Test("A session that ends meanwhile answers, and its command is told to go")
    func sessionEnds() throws {
        let link = try ExecLink("trap '' HUP; echo ready >&4; \(Self.untilGo); echo x >&4; exit 75")
        try link.expectReady()
        let (loop, exec) = (link.loop, link.exec)
        let id = try #require(try loop.run { link.session?.identity.id })
        let texts = Texts()
        try loop.run {
            exec.checkpoint(id) { texts.all.append(self.reason($0)) }
            exec.checkpoint(id) { texts.all.append(self.reason($0)) }
            link.client.abort()
        }
        try loop.expect("both are answered") { texts.all.count == 2 }
        #expect(try loop.run { texts.all[0].contains("already") && texts.all[1].contains("ended") })
        link.letGo()
        try loop.expect("no command is left") { exec.count == 0 }
    }

    private final class Texts {
        var all: [String] = []
    }

    @Test("A line without an end that is longer than any window comes all the same")
    func longLine() throws {
        let link = try ExecLink("wc -c; ", window: 128 << 10) { $0.lines = true }
        try link.send([UInt8](repeating: 0x61, count: 3 << 20))
        try link.finish()
        try link.expectEnd(.status(0))
        #expect(try link.output == "\(3 << 20)\n")
    }

    @Test("With --lines a command sees no piece of a line before its end")
    func wholeLines() throws {
        let link = try ExecLink("exec cat") {
            $0.lines = true
        }
        try link.send("a")
        try link.send("b\nc")
        try link.expectOutput("ab\n")
        try link.loop.expect("what is no whole line is not taken") {
            link.session?.receivingChannels[0].taken == 3
                && link.session?.receivingChannels[0].bytesReceived == 4
        }
        try link.finish()
        try link.expectEnd(.status(0))
        let client = link.client
        #expect(try link.loop.run { client.outcome } == .complete)
        #expect(try link.output == "ab\nc")
    }

    @Test("The private files of a command go with it")
    func files() throws {
        let link = try ExecLink("echo ready >&4; echo $FTSL_CHECKPOINT; exec cat")
        try link.loop.expect("the name") { link.client.output.last == 0x0A }
        let mark = String(try link.output.dropLast())
        #expect(mark.hasPrefix(link.folder + "/run/exec-"))
        let input = mark.replacing("checkpoint", with: "input")
        #expect(access(mark, F_OK) != 0 && access(input, F_OK) == 0)
        try link.finish()
        try link.expectEnd(.status(0))
        #expect(access(input, F_OK) != 0)
    }
}

extension ExecLink.Client {
    func abort() { handle?.abort(Failure(.local, .stopped, "enough")) }
}
