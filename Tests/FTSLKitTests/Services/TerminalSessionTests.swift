import FTSLCore
import Glibc
import NIOCore
import Testing

import FTSLKit

@Suite("Commands of --exec that have a terminal", .serialized)
struct TerminalSessionTests {
    private func link(_ command: String) throws -> ExecLink {
        try ExecLink(command) { $0.terminal = true }
    }

    private func change(_ link: ExecLink, _ state: TerminalState) throws {
        let client = link.client
        try link.loop.run { client.handle?.setTerminal(state) }
    }

    @Test("It is the command's own, of the size and name that the client said [FTSL §5.10]")
    func size() throws {
        let link = try link("tty -s && : < /dev/tty && stty size; echo $TERM")
        try link.expectEnd(.status(0))
        #expect(try link.output == "24 80\r\ndumb\r\n")
    }

    @Test("A new size, and a screen that was lost, are signals; the same again is nothing")
    func signals() throws {
        let link = try link(
            "trap 'stty size' WINCH; trap 'exit 9' TERM; echo on; while :; do sleep 0.01; done")
        try link.expectOutput("on\r\n")
        try change(link, TerminalState(columns: 132, rows: 43))
        try link.expectOutput("on\r\n43 132\r\n")
        try change(link, TerminalState(columns: 132, rows: 43))
        try change(link, TerminalState(columns: 132, rows: 43, redraws: 1))
        try link.expectOutput("on\r\n43 132\r\n43 132\r\n")
        link.end()
    }

    @Test("Ctrl-C is a signal there, and the end of the input is typed")
    func keys() throws {
        let link = try link(
            "trap 'echo int; cat; exit 6' INT; echo on; while :; do sleep 0.01; done")
        try link.expectOutput("on\r\n")
        try link.send("\u{3}")
        let client = link.client
        try link.loop.expect("the trap has run") {
            String(decoding: client.output, as: UTF8.self).contains("int")
        }
        try link.send("a line\n")
        try link.finish()
        try link.expectEnd(.status(6))
        #expect(try link.output.hasSuffix("a line\r\na line\r\n"))
    }

    @Test("It stays where it is")
    func unmovable() throws {
        let link = try link("echo ready >&4; echo on; cat")
        guard case .failure(let reason) = try link.checkpoint() else {
            Issue.record("a terminal has moved")
            return
        }
        #expect(reason.text.contains("a terminal"))
        try link.finish()
        try link.expectEnd(.status(0))
    }

    @Test("A shell of a session that is over is hung up with all that it runs")
    func hungUp() throws {
        let link = try link(
            "trap 'echo gone > $TEST_FOLDER/go; exit' HUP; echo on; while :; do sleep 0.01; done")
        try link.expectOutput("on\r\n")
        link.end()
        let path = link.folder + "/go"
        try link.loop.expect("the command was told") { access(path, F_OK) == 0 }
    }
}
