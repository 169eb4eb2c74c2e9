import Foundation
import Testing

/// Random bytes in both directions of one session at once, compared while they arrive.
struct Transfer {
    let listener: Listener
    let client: Program
    /// The client's `--status-fd`.
    let status: Collector
    let up: Verifier
    let down: Verifier
    /// Readers go no further than this.
    let limit: Watched<Int>
    let size: Int

    /// `through` makes the client's way to the listener.
    init(
        _ size: Int, gate: Int? = nil, listen: [String] = [], connect: [String] = [],
        at endpoint: String = ":0", through way: (Listener) throws -> String = { $0.endpoint },
        listenerUnder: [String] = [], clientUnder: [String] = []
    ) throws {
        self.size = size
        let limit = Watched(gate ?? size)
        self.limit = limit
        let (upRead, upWrite) = try Descriptor.pipe()
        let (downRead, downWrite) = try Descriptor.pipe()
        let (statusRead, statusWrite) = try Descriptor.pipe()
        status = Collector(statusRead)
        listener = try stage.listen(
            ["--summary", "json"] + listen, at: endpoint, input: .pipe,
            output: .descriptor(upWrite), under: listenerUnder)
        upWrite.close()
        client = try stage.connect(
            way(listener), ["--summary", "json", "--status-fd", "7", "--interval", "1h"] + connect,
            input: .pipe, output: .descriptor(downWrite), extra: [7: statusWrite],
            under: clientUnder)
        downWrite.close()
        statusWrite.close()
        let pace = { @Sendable (position: Int) in
            _ = limit.wait(.seconds(3600)) { position < $0 || $0 >= size ? true : nil }
        }
        up = Verifier(upRead, RandomStream(seed: 11), pace: pace)
        down = Verifier(downRead, RandomStream(seed: 12), pace: pace)
        RandomStream(seed: 11).write(size, to: try #require(client.input))
        RandomStream(seed: 12).write(size, to: try #require(listener.program.input))
    }

    /// Waits until both readers have got this far.
    func reach(_ position: Int, _ time: Duration) throws {
        try up.reach(position, time)
        try down.reach(position, time)
    }

    /// Resumptions so far.
    var resumptions: Int { status.objects.count { $0.string("event") == "resumed" } }

    /// Waits until the client has lost its connection so many times.
    func lost(_ count: Int, _ time: Duration = .seconds(30)) throws {
        try events("lost", count, time)
    }

    /// Waits until the client is back for the n-th time.
    func resumed(_ count: Int, _ time: Duration = .seconds(30)) throws {
        try events("resumed", count, time)
    }

    private func events(_ name: String, _ count: Int, _ time: Duration) throws {
        try status.satisfies("'\(name)' \(count) times", time) { text in
            text.components(separatedBy: "\"event\":\"\(name)\"").count > count
        }
    }

    /// Both ends agree that everything arrived, and it did.
    func finish(_ time: Duration, sourceLocation: SourceLocation = #_sourceLocation) throws {
        limit.change { $0 = Int.max }
        let sent = try up.end(time)
        let received = try down.end(time)
        #expect(sent.difference == nil, sourceLocation: sourceLocation)
        #expect(received.difference == nil, sourceLocation: sourceLocation)
        #expect(sent.position == size && received.position == size, sourceLocation: sourceLocation)
        try expectStatus(0, client, time, sourceLocation: sourceLocation)
        try expectStatus(0, listener.program, time, sourceLocation: sourceLocation)
    }
}
