internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A listener with sessions and an inbox moves there and back while clients talk to it.
struct MigrationCheck {
    let stage: SelftestStage
    let loop: any EventLoop

    private static let clients = 4
    /// More where the machine is so fast that connections live longer than the moves.
    private static let moves: ClosedRange<UInt64> = 2...20
    private static let leastCuts: UInt64 = 3
    private static let life = FaultProxy.Faults.Life.milliseconds(30...400)

    /// Numbers the lines that it gets; the number moves along with the session.
    private static let service = """
        n=0; [ -n "$FTSL_RESTORED" ] && read -r n <&3; echo ready >&4
        while IFS= read -r line; do n=$((n+1)); echo "$n:$line"; done
        [ -s "$FTSL_CHECKPOINT" ] && { echo "$n" >&4; exit 75; }; exit 0
        """

    /// What one talker has said, and what was answered to it.
    private struct Talk: Sendable {
        var sent: [String] = []
        var received: [String] = []
    }

    /// One of the two hosts, and the way to it.
    private struct Host {
        var name: String
        var listener: SelftestChild
        var proxy: FaultProxy
        var endpoint: String
    }

    func run() throws -> SelftestResult {
        try stage.run(["key", "show"])
        var hosts = try ["a", "b"].map(host)
        let load = Load(talkers: Self.clients)
        let pool = NIOThreadPool(numberOfThreads: Self.clients + 1)
        pool.start()
        let entrance = hosts[0].endpoint
        let talks = (1...Self.clients).map { number in
            pool.runIfActive(eventLoop: loop) { [stage] in
                defer { load.left(number) }
                return try Self.talk(number, with: entrance, on: stage, under: load)
            }
        }
        let sender = pool.runIfActive(eventLoop: loop) { [stage] in
            try Self.send(to: entrance, on: stage, under: load)
        }
        let moved = Result { try move(&hosts, under: load) }
        load.end()
        // Everything of it ends by the deadline; what came first explains the rest.
        let said = talks.map { talk in Result { try talk.wait() } }
        let sent = Result { try sender.wait() }
        try pool.syncShutdownGracefully()
        let (moves, talk, messages) = try (moved.get(), said.map { try $0.get() }, sent.get())
        let found = try inbox(of: hosts[0])
        for host in hosts { try host.listener.stop() }
        return result(talk, messages, found, moves, cuts: Self.cuts(hosts))
    }

    private func host(_ name: String) throws -> Host {
        let listener = try stage.start([
            "listen", "-q", "127.0.0.1:0", "--name", name, "--accept-migration", "--inbox",
            stage.path("\(name).db"), "--lines", "--exec", Self.service, "--ready-fd",
            "\(SelftestChild.readyNumber)",
        ])
        let proxy = FaultProxy(
            to: try Endpoint(parsing: listener.endpoint(), for: .connect),
            FaultProxy.Faults(life: Self.life))
        return Host(
            name: name, listener: listener, proxy: proxy, endpoint: try proxy.listen(on: loop))
    }

    // MARK: The load

    /// What the talkers and whoever moves the listener know of each other.
    private final class Load: Sendable {
        private struct State {
            var isOver = false
            /// Of each talker that is still there, how often it has been answered.
            var rounds: [Int: Int]
        }

        private let state: Mutex<State>

        init(talkers: Int) {
            let rounds = Dictionary(uniqueKeysWithValues: (1...talkers).map { ($0, 0) })
            state = Mutex(State(rounds: rounds))
        }

        /// The listener has moved for the last time.
        func end() { state.withLock { $0.isOver = true } }
        var isOver: Bool { state.withLock { $0.isOver } }

        func answered(_ talker: Int) { state.withLock { $0.rounds[talker]? += 1 } }
        func left(_ talker: Int) { state.withLock { $0.rounds[talker] = nil } }

        /// Waits until everybody who talks has said something and was answered since.
        ///
        /// A command that was just started has not declared yet that it can move, and stays; the
        /// one that answers what was said later has. What was on its way counts as one round.
        func settle(on stage: SelftestStage) {
            let before = state.withLock { $0.rounds }
            while stage.patience > 0 {
                let now = state.withLock { $0.rounds }
                if now.allSatisfy({ $0.value >= before[$0.key, default: 0] + 2 }) { return }
                usleep(1_000)
            }
        }
    }

    /// Says lines, a few at a time, and notes what is answered.
    private static func talk(
        _ number: Int, with endpoint: String, on stage: SelftestStage, under load: Load
    ) throws -> Talk {
        let client = try stage.start(
            ["connect", "-q", "--retry-first", endpoint], input: .pipe, output: .pipe)
        var talk = Talk()
        repeat {
            for _ in 1...8 {
                let line = "line \(talk.sent.count + 1) of client \(number)"
                try client.say(line)
                talk.sent.append("\(talk.sent.count + 1):\(line)")
            }
            while talk.received.count < talk.sent.count, let line = try client.line() {
                talk.received.append(line)
            }
            load.answered(number)
        } while !load.isOver && talk.received.count == talk.sent.count
        client.closeInput()
        while let line = try client.line() { talk.received.append(line) }
        try client.finish()
        return talk
    }

    /// Sends messages, each when the one before it is stored.
    private static func send(
        to endpoint: String, on stage: SelftestStage, under load: Load
    ) throws -> [String] {
        let sender = try stage.start(
            [
                "send", "-q", "--timeout", "1m", "--lines", "--print-id", "--outbox",
                stage.path("move.outbox"),
                endpoint,
            ], input: .pipe, output: .pipe)
        var sent: [String] = []
        repeat {
            sent.append("message \(sent.count + 1)")
            try sender.say(sent[sent.count - 1])
        } while try sender.line() != nil && !load.isOver
        sender.closeInput()
        while try sender.line() != nil {}
        try sender.finish()
        return sent
    }

    // MARK: The moves

    /// How many there were, and the longest pause in milliseconds.
    private struct Moves {
        var count: UInt64 = 0
        var pause: UInt64 = 0
    }

    private static func cuts(_ hosts: [Host]) -> UInt64 {
        hosts.reduce(0) { $0 + $1.proxy.counts.cuts }
    }

    /// There and back; the host that has everything is always the first.
    private func move(_ hosts: inout [Host], under load: Load) throws -> Moves {
        var moves = Moves()
        repeat {
            load.settle(on: stage)
            let pause = try migrate(hosts[0].name, to: hosts[1].endpoint)
            moves.pause = max(moves.pause, pause)
            moves.count += 1
            hosts.swapAt(0, 1)
        } while moves.count < Self.moves.lowerBound
            || Self.cuts(hosts) < Self.leastCuts && moves.count < Self.moves.upperBound
        return moves
    }

    /// One move, which a cut may have rolled back before it succeeds.
    private func migrate(_ name: String, to endpoint: String) throws -> UInt64 {
        while true {
            let migrate = try stage.start(
                ["migrate", "-q", name, endpoint, "--json"], output: .pipe)
            var last: [String: JSONValue] = [:]
            while let line = try migrate.line() {
                if case .object(let fields)? = try? JSONReader.parse(Array(line.utf8)) {
                    last = fields
                }
            }
            do {
                try migrate.finish()
            } catch let failure as SelftestFailure {
                // A cut before it began, or one that rolled it back.
                let mayRetry: [ExitStatus] = [.unreachable, .rolledBack]
                guard mayRetry.contains(where: { $0.rawValue == migrate.status }) else {
                    throw failure
                }
                continue
            }
            guard case .integer(let pause)? = last["pause_ms"], last["stayed"] == .integer(0) else {
                let report = JSONValue.object(last).line.dropLast()
                throw SelftestFailure(text: "sessions stayed behind: \(report)")
            }
            return pause
        }
    }

    private func inbox(of host: Host) throws -> [String] {
        let path = stage.path("move.out")
        try stage.run(
            [
                "tail", "-q", stage.path("\(host.name).db"), "--from", "beginning",
                "--exit-at-end",
            ], output: .file(path))
        return try TextFile.lines(path)
    }

    private func result(
        _ talks: [Talk], _ sent: [String], _ found: [String], _ moves: Moves, cuts: UInt64
    ) -> SelftestResult {
        let lines = talks.reduce(0) { $0 + $1.sent.count }
        var result = SelftestResult(
            check: "migration",
            carried: "\(talks.count) sessions, \(lines) lines, "
                + Numbers.count(UInt64(sent.count), "message"),
            amounts: [
                "sessions": UInt64(talks.count), "lines": UInt64(lines),
                "messages": UInt64(sent.count), "pause_ms": moves.pause,
            ])
        result.cuts = cuts
        result.moves = moves.count
        result.sent = ContentDigest(lines: talks.flatMap(\.sent) + sent).text
        result.received = ContentDigest(lines: talks.flatMap(\.received) + found).text
        result.complaints =
            talks.enumerated().compactMap { number, talk in
                SelftestJudge.sequence(
                    talk.received, sent: talk.sent, "lines of client \(number + 1)")
            }
            + [
                SelftestJudge.sequence(found, sent: sent, "messages"),
                SelftestJudge.faults(cuts, atLeast: Self.leastCuts, "cuts"),
            ].compactMap { $0 }
        return result
    }
}
