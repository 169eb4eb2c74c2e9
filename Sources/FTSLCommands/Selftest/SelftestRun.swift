internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore

/// The three parts, one after the other.
struct SelftestRun {
    let stage: SelftestStage
    let loop: any EventLoop
    let sabotage: Sabotage?
    let log: Log

    /// What each part may take; on an idle machine all of them need a fifth of it.
    private static let limit: Duration = .seconds(19)

    func results() -> [SelftestResult] {
        [
            result(
                "streams", "streams both ways through a proxy that cuts connections at random",
                StreamCheck(stage: stage, loop: loop, sabotage: sabotage).run),
            result(
                "messages", "messages, while sender and listener are killed",
                MessageCheck(stage: stage, loop: loop, sabotage: sabotage, log: log).run),
            result(
                "migration", "a listener moves there and back under load",
                MigrationCheck(stage: stage, loop: loop).run),
        ]
    }

    private func result(
        _ name: String, _ what: String, _ check: () throws -> SelftestResult
    ) -> SelftestResult {
        log.notice("\(name): \(what)")
        stage.begin(Self.limit)
        let begun = MonotonicClock.now
        var result: SelftestResult
        do {
            result = try check()
        } catch {
            result = SelftestResult(check: name, carried: "-", amounts: [:])
            result.complaints = [Self.text(of: error)]
        }
        result.seconds = MonotonicClock.now.since(begun).inSeconds
        for complaint in result.complaints where stage.stoppedBy == nil {
            log.notice("\(name): \(complaint)")
        }
        return result
    }

    private static func text(of error: any Error) -> String {
        switch error {
        case let error as SelftestFailure: error.text
        case let error as ChildProcess.SpawnFailure: error.text
        default: "\(error)"
        }
    }
}

/// Random bytes both ways in one session.
struct StreamCheck {
    let stage: SelftestStage
    let loop: any EventLoop
    let sabotage: Sabotage?

    private static let count = 16 << 20
    private static let life = FaultProxy.Faults.Life.bytes(exponents: 9.0...22.0)

    func run() throws -> SelftestResult {
        let names = ["up", "down"]
        for name in names { try TextFile.writeRandom(stage.path(name), count: Self.count) }
        let listener = try stage.start(
            ["listen", "-q", "127.0.0.1:0", "--ready-fd", "\(SelftestChild.readyNumber)"],
            input: .file(stage.path("down")), output: .file(stage.path("up.arrived")))
        let proxy = FaultProxy(
            to: try Endpoint(parsing: listener.endpoint(), for: .connect),
            FaultProxy.Faults(
                life: Self.life, flipAfter: sabotage == .flip ? 256 << 10 : nil))
        let client = try stage.start(
            ["connect", "-q", "--retry-first", proxy.listen(on: loop)],
            input: .file(stage.path("up")), output: .file(stage.path("down.arrived")))
        try client.finish()
        try listener.finish()
        let sent = try names.map { try ContentDigest(file: stage.path($0)) }
        let found = try names.map { try ContentDigest(file: stage.path("\($0).arrived")) }
        var result = SelftestResult(
            check: "streams", carried: "\(Numbers.bytes(UInt64(Self.count))) each way",
            amounts: ["bytes": UInt64(2 * Self.count)])
        result.cuts = proxy.counts.cuts
        result.sent = sent[0].text
        result.received = found[0].text
        result.complaints = [
            SelftestJudge.stream(found[0], sent: sent[0], "at the listener"),
            SelftestJudge.stream(found[1], sent: sent[1], "at the client"),
            SelftestJudge.faults(result.cuts, atLeast: 5, "cuts"),
        ].compactMap { $0 }
        return result
    }
}
