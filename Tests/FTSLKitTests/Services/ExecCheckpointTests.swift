import FTSLCore
import Foundation
import Glibc
import NIOCore
import Testing

import FTSLKit

@Suite("Checkpoints of --exec", .serialized)
struct ExecCheckpointTests {
    private static let example = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "packaging/examples/count-lines.sh").path

    /// Leaves a state when USR1 comes, and does nothing else.
    private static let bySignal = """
        trap 'echo told >&4; exit 75' USR1; echo ready USR1 >&4; while :; do sleep 0.01; done
        """

    private func state(
        _ result: CheckpointAnswer,
        _ location: SourceLocation = #_sourceLocation
    ) throws -> String {
        String(decoding: try #require(try result.get()).state, as: UTF8.self)
    }

    private func reason(_ result: CheckpointAnswer) -> String {
        if case .failure(let failure) = result { return failure.text }
        return ""
    }

    @Test("The example goes on counting where it was, and is the same session's")
    func byEndOfInput() throws {
        let link = try ExecLink("exec " + Self.example) { $0.lines = true }
        try link.send("a\nb\nc\n")
        try link.expectOutput("1:a\n2:b\n3:c\n")
        let left = try link.checkpoint()
        #expect(try state(left) == "3\n")
        #expect(try left.get()?.closed == [])
        #expect(try left.get()?.unread.readableBytes == 0)
        try link.send("d\n")
        try link.expectOutput("1:a\n2:b\n3:c\n4:d\n")
        try link.finish()
        try link.expectEnd(.status(0))
        let client = link.client
        #expect(try link.loop.run { client.outcome } == .complete)
    }

    @Test("A stream of lines is counted without a gap across checkpoints at any moment")
    func manyCheckpoints() throws {
        let link = try ExecLink("exec " + Self.example) { $0.lines = true }
        let count = 4_000
        let lines = (1...count).map { "line \($0) \(String(repeating: "x", count: $0 % 97))\n" }
        let all = Array(lines.joined().utf8)
        // Pieces that end anywhere in a line.
        for start in stride(from: 0, to: all.count, by: 1_009) {
            try link.send(Array(all[start..<min(all.count, start + 1_009)]))
            guard start % (1_009 * 23) == 0 else { continue }
            try link.expectReady()
            _ = try link.checkpoint().get()
        }
        try link.finish()
        try link.expectEnd(.status(0))
        let expected = lines.enumerated().map { "\($0 + 1):\($1)" }.joined()
        let isWhole = try link.output == expected
        #expect(isWhole)
    }

    @Test("By signal: what the command did not read goes to the next one, to the byte")
    func bySignal() throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && { read -r word <&3; echo "$word"; exec cat; }
            dd bs=1 count=1000 of=/dev/null 2>/dev/null; \(Self.bySignal)
            """)
        let all = Raw.pattern(700_000)
        try link.send(all)
        try link.expectReady()
        let left = try link.checkpoint()
        #expect(try state(left) == "told\n")
        let unread = try #require(try left.get()).unread
        let isExact = all[1000...].starts(with: unread.readableBytesView)
        #expect(isExact)
        #expect(unread.readableBytes >= 65_536, "more than the pipe holds had come")
        try link.finish()
        try link.expectEnd(.status(0))
        let isWhole = try link.bytes == Array("told\n".utf8) + all[1000...]
        #expect(isWhole)
    }

    @Test("By end of input: a command may leave most of it to the next one")
    func readsLittle() throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && { read -r first <&3; echo "had $first"; exec cat; }
            read -r first; echo ready >&4
            while [ ! -s "$FTSL_CHECKPOINT" ]; do sleep 0.01; done
            echo "$first" >&4; exit 75
            """)
        let rest = Raw.pattern(500_000)
        try link.send("one\n")
        try link.send(rest)
        try link.expectReady()
        let left = try link.checkpoint()
        #expect(try state(left) == "one\n")
        try link.finish()
        try link.expectEnd(.status(0))
        let isWhole = try link.bytes == Array("had one\n".utf8) + rest
        #expect(isWhole)
    }

    @Test("Output beyond the session's room is taken along, up to a bound")
    func largeOutput() throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && exec cat
            echo ready >&4; cat >/dev/null; head -c 6M /dev/zero; echo x >&4; exit 75
            """)
        let client = link.client
        try link.loop.run { client.isStalled = true }
        try link.expectReady()
        _ = try link.checkpoint().get()
        #expect(try link.loop.run { link.session?.sendingChannels[0].end } == 6 << 20)
        try link.loop.run { client.isStalled = false }
        try link.send("end")
        try link.finish()
        try link.expectEnd(.status(0))
        #expect(try link.bytes.count == 6 << 20 + 3)
    }

    @Test("A command that writes too much stays, and what it leaves later goes on here")
    func tooMuchOutput() throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && exec cat
            echo ready >&4; cat >/dev/null; head -c 6M /dev/zero; echo x >&4; exit 75
            """
        ) { $0.checkpointBuffer = 1 << 20 }
        let client = link.client
        try link.loop.run { client.isStalled = true }
        try link.expectReady()
        #expect(reason(try link.checkpoint()).contains("1048576 bytes more"))
        try link.send("late")
        try link.loop.run { client.isStalled = false }
        try link.finish()
        try link.expectEnd(.status(0))
        #expect(try link.bytes.count == 6 << 20 + 4)
        #expect(try link.bytes.suffix(4).elementsEqual("late".utf8))
    }

    @Test("An input that was at its end is at its end for the next one")
    func closedInput() throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && { echo "closed $FTSL_CLOSED"; cat; exit 3; }
            cat; \(Self.bySignal)
            """)
        try link.send("all\n")
        try link.finish()
        try link.expectReady()
        #expect(try link.checkpoint().get()?.closed == .input)
        try link.expectEnd(.status(3))
        #expect(try link.output == "all\nclosed stdin\n")
    }

    @Test("An input that has ended and was not read is read by the next one, with its end")
    func unreadEnd() throws {
        let link = try ExecLink(
            """
            [ -n "$FTSL_RESTORED" ] && { echo "closed $FTSL_CLOSED"; cat; exit 3; }
            \(Self.bySignal)
            """)
        try link.send("all\n")
        try link.finish()
        try link.loop.expect("the end was taken") {
            link.session?.receivingChannels[0].endTaken == true
        }
        try link.expectReady()
        let left = try #require(try link.checkpoint().get())
        #expect(left.closed == [] && left.unread == ByteBuffer(string: "all\n"))
        try link.expectEnd(.status(3))
        #expect(try link.output == "closed \nall\n")
    }

    @Test("An output that was at its end has no reader for the next one")
    func closedOutput() throws {
        let link = try ExecLink(
            """
            trap '' PIPE
            [ -n "$FTSL_RESTORED" ] && {
                echo "closed $FTSL_CLOSED" >&2; echo x 2>/dev/null || echo refused >&2; exit 4
            }
            exec 1>&-; \(Self.bySignal)
            """)
        let client = link.client
        try link.loop.expect("the end is told") { client.ended.contains(.main) }
        try link.expectReady()
        #expect(try link.checkpoint().get()?.closed == .output)
        try link.finish()
        try link.expectEnd(.status(4))
        #expect(try link.errors == "closed stdout\nrefused\n")
    }

    @Test("The end of output that a checkpoint causes is no end for the peer")
    func noEnd() throws {
        let link = try ExecLink("echo ready >&4; cat; echo x >&4; exit 75")
        try link.expectReady()
        _ = try link.checkpoint(restoring: false).get()
        #expect(
            try link.loop.run { link.session?.sendingChannels.allSatisfy { !$0.finished } } == true)
        #expect(try link.loop.run { link.exec.count } == 0)
    }

    @Test("What a command left running ends with it, and does not hold up the checkpoint")
    func group() throws {
        let link = try ExecLink(
            "sleep 1000 & echo $!; echo ready >&4; cat; echo x >&4; exit 75")
        try link.expectReady()
        _ = try link.checkpoint(restoring: false).get()
        try link.loop.expect("its pid") { !link.client.output.isEmpty }
        let pid = try #require(try Int(link.output.dropLast()))
        try link.loop.expect("it is gone") {
            let status = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
            return status.isEmpty || status.contains(") Z ")
        }
    }
}
