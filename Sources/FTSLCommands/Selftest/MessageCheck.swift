internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore

/// Messages exactly once, while the sender and the listener are killed in turn.
struct MessageCheck {
    let stage: SelftestStage
    let loop: any EventLoop
    let sabotage: Sabotage?
    let log: Log

    /// More where the machine is so fast that connections live longer than the rounds.
    private static let rounds = 4...16
    private static let part = 200
    private static let leastCuts: UInt64 = 2
    private static let life = FaultProxy.Faults.Life.milliseconds(2...25)

    /// One message as the sender gets it: a JSON object with its id.
    private struct Numbered {
        var id: String
        var number: Int
        var body: String { #"{"id":"\#(id)","number":\#(number)}"# }
        /// What it says, whatever its id is.
        var text: String { "message \(number)" }

        init(_ number: Int, id: String? = nil) {
            self.number = number
            self.id = id ?? "message-\(number)"
        }

        /// The text of a body that arrived; the body itself where it is none of these.
        static func text(of body: String) -> String {
            guard case .object(let fields)? = try? JSONReader.parse(Array(body.utf8)),
                case .integer(let number)? = fields["number"]
            else { return body }
            return Numbered(Int(clamping: number)).text
        }
    }

    func run() throws -> SelftestResult {
        let messages = (1...Self.part * Self.rounds.upperBound).map { Numbered($0) }
        let given = spoiled(messages)
        var listener = try listen()
        let proxy = FaultProxy(
            to: .unix(path: stage.path("m.sock")), FaultProxy.Faults(life: Self.life))
        let endpoint = try proxy.listen(on: loop)
        var round = 0
        repeat {
            round += 1
            // Each sender begins at the beginning: what was sent before is known by its id.
            let sender = try send(given.prefix(round * Self.part), to: endpoint)
            let moment = Int.random(in: (round - 1) * Self.part + 1..<round * Self.part)
            try wait(for: given[moment - 1].id, from: sender)
            let victim = round.isMultiple(of: 2) ? "listener" : "sender"
            log.info("messages: round \(round), the \(victim) is killed after \(moment) messages")
            if round.isMultiple(of: 2) {
                listener.kill()
                listener = try listen()
                while try sender.line() != nil {}
                try sender.finish()
            } else {
                sender.kill()
            }
        } while round < Self.rounds.lowerBound
            || proxy.counts.cuts < Self.leastCuts && round < Self.rounds.upperBound
        let all = given.prefix(round * Self.part)
        let last = try send(all, to: endpoint)
        while try last.line() != nil {}
        try last.finish()
        let found = try stored()
        try listener.stop()
        let wanted = messages.prefix(all.last?.number ?? 0).map(\.text)
        return result(wanted, found, proxy, UInt64(round))
    }

    private func spoiled(_ messages: [Numbered]) -> [Numbered] {
        var messages = messages
        let place = Self.part / 3
        switch sabotage {
        case .lose: messages.remove(at: place)
        case .double: messages.insert(Numbered(place, id: "again"), at: place)
        case .flip, nil: break
        }
        return messages
    }

    private func listen() throws -> SelftestChild {
        let listener = try stage.start([
            "listen", "-q", "unix:\(stage.path("m.sock"))", "--inbox", stage.path("m.db"),
            "--ready-fd", "\(SelftestChild.readyNumber)",
        ])
        _ = try listener.endpoint()
        return listener
    }

    private func send(_ messages: ArraySlice<Numbered>, to endpoint: String) throws -> SelftestChild
    {
        let path = stage.path("m.in")
        try TextFile.write(path, lines: messages.map(\.body))
        return try stage.start(
            [
                "send", "-q", "--timeout", "1m", "--lines", "--id-from-json", "id", "--print-id",
                "--outbox",
                stage.path("m.outbox"), endpoint,
            ], input: .file(path), output: .pipe)
    }

    /// Waits until the sender has stored a message.
    private func wait(for id: String, from sender: SelftestChild) throws {
        while let line = try sender.line() {
            if line == id { return }
        }
        try sender.finish()
        throw SelftestFailure(text: "send ended before it had stored \(id)")
    }

    private func stored() throws -> [String] {
        try stage.run(
            ["tail", "-q", stage.path("m.db"), "--from", "beginning", "--exit-at-end"],
            output: .file(stage.path("m.out")))
        return try TextFile.lines(stage.path("m.out")).map(Numbered.text)
    }

    private func result(
        _ sent: [String], _ found: [String], _ proxy: FaultProxy, _ kills: UInt64
    ) -> SelftestResult {
        var result = SelftestResult(
            check: "messages", carried: Numbers.count(UInt64(sent.count), "message"),
            amounts: ["messages": UInt64(sent.count)])
        result.cuts = proxy.counts.cuts
        result.kills = kills
        result.sent = ContentDigest(lines: sent).text
        result.received = ContentDigest(lines: found).text
        result.complaints = [
            SelftestJudge.sequence(found, sent: sent, "messages"),
            SelftestJudge.faults(result.cuts, atLeast: Self.leastCuts, "cuts"),
        ].compactMap { $0 }
        return result
    }
}
