import FTSLCore
import NIOCore
import Testing

@Suite("A session whose command has a terminal")
struct TerminalTests {
    private let pair = SessionPair(flags: [.exitStatus, .terminal])

    private var told: [TerminalState] {
        pair.rightEvents.compactMap { if case .terminal(let state) = $0 { state } else { nil } }
    }

    @Test("What it is like comes ahead of what is typed [FTSL §5.10]")
    func first() {
        pair.left.setTerminal(TerminalState(columns: 132, rows: 43, name: "xterm"))
        pair.left.write(bytes("ls"), to: .main)
        pair.exchange()
        #expect(
            pair.rightEvents.first
                == .terminal(TerminalState(columns: 132, rows: 43, name: "xterm")))
        #expect(pair.received(pair.rightEvents) == bytes("ls"))
    }

    @Test("Whoever has none says so")
    func none() {
        pair.exchange()
        #expect(told == [TerminalState(columns: 80, rows: 24, name: "dumb")])
    }

    @Test("Only the newest value is told, once, also after a cut")
    func newest() {
        pair.exchange()
        pair.cut()
        for columns in 81...90 { pair.left.setTerminal(TerminalState(columns: UInt16(columns))) }
        pair.resume()
        pair.exchange()
        #expect(told.map(\.columns) == [80, 90])
        pair.cut()
        pair.resume()
        pair.exchange()
        #expect(told.count == 2)
        pair.left.setTerminal(TerminalState(columns: 90, redraws: 1))
        pair.exchange()
        #expect(told.count == 3)
    }

    @Test("An acceptor has none to tell of, and without a terminal nobody has")
    func violations() {
        var frame = ByteBuffer()
        StreamFrame.terminal(TerminalState()).encode(into: &frame)
        pair.left.receive(frame, now: pair.now)
        pair.drain()
        #expect(pair.leftEvents.detachCodes == [.unexpectedFrame])
        let other = SessionPair()
        other.right.receive(frame, now: other.now)
        other.drain()
        #expect(other.rightEvents.detachCodes == [.unexpectedFrame])
    }

    @Test("Without a terminal nothing is said")
    func without() {
        let other = SessionPair(flags: .exitStatus)
        other.left.setTerminal(TerminalState(columns: 7))
        other.exchange()
        #expect(other.rightEvents == [])
    }

    @Test("Little of a flood is on its way at a time, and there is room again when it has arrived")
    func room() {
        pair.exchange()
        let most = pair.right.room(on: .main)
        #expect(most == 16 << 10)
        #expect(pair.left.room(on: .main) > most)
        pair.right.write(pattern(most), to: .main)
        #expect(pair.right.room(on: .main) == 0)
        pair.rightEvents = []
        pair.exchange()
        pair.now = .ms(30)
        for session in [pair.left, pair.right] { session.handleTimeout(now: pair.now) }
        pair.exchange()
        #expect(pair.rightEvents.contains(.room(.main)))
        #expect(pair.right.room(on: .main) >= most)
    }
}

@Suite("How much output may be on its way to a terminal")
struct PromptWindowTests {
    /// The bound after as many floods through a link as it takes to settle.
    ///
    /// - Parameters:
    ///   - rate: Bytes a second.
    ///   - trip: Milliseconds there and back without a queue.
    private func settled(rate: Int, trip: Int) -> Int {
        var window = PromptWindow()
        var (end, now) = (UInt64(0), 0)
        // A prompt, and then the flood.
        for bytes in [1] + [Int](repeating: 0, count: 100) {
            let held = bytes > 0 ? UInt64(bytes) : window.bytes
            end += held
            window.sent(to: end, held: held, now: .ms(now))
            now += trip + Int(held) * 1_000 / rate
            window.acknowledged(end, now: .ms(now))
        }
        return Int(window.bytes)
    }

    @Test(
        "A queue is a tenth of a second long, however slow and far the link [FTSL §5.10]",
        arguments: [(20_000, 1), (100_000, 1), (100_000, 200), (1_000_000, 20), (2_000_000, 300)])
    func queue(rate: Int, trip: Int) {
        let wanted = rate / 10
        let found = settled(rate: rate, trip: trip)
        #expect(found >= wanted * 9 / 10 && found <= wanted * 3 / 2, "\(found) of \(wanted)")
    }

    @Test("A fast link is not held back, and a very slow one not stopped")
    func bounds() {
        #expect(settled(rate: 1 << 30, trip: 25) == 1 << 20)
        #expect(settled(rate: 500, trip: 25) == 1 << 10)
    }

    @Test("What is typed slowly says nothing about what there is room for")
    func idle() {
        var window = PromptWindow()
        let before = window.bytes
        for index in 0..<100 {
            window.sent(to: UInt64(index + 1), held: 1, now: .ms(index * 10))
            window.acknowledged(UInt64(index + 1), now: .ms(index * 10 + 1))
        }
        #expect(window.bytes == before)
    }
}
