internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// Sends what can be sent now, once.
final class BestEffortSender {
    var onReady: (() -> Void)?
    /// Everything that was not dropped is answered.
    var onDrained: (() -> Void)?
    var onEnded: ((Failure) -> Void)?

    private let port: BestEffortPort
    private let client: PortClient
    private var isReady = false

    init(_ settings: PortClient.Settings, on loop: any EventLoop) {
        var rng = SystemRandomNumberGenerator()
        port = BestEffortPort(producer: .random(using: &rng), rng: rng)
        client = PortClient(settings, port: port, on: loop)
        client.onPass = { [unowned self] in passed() }
        client.onFailed = { [unowned self] in onEnded?($0) }
    }

    var counts: BestEffortPort.Counts { port.counts }
    var isDrained: Bool { port.isDrained }

    func start() { client.start() }

    func offer(_ messages: [NewMessage]) {
        for message in messages { _ = port.offer(message, now: MonotonicClock.now) }
        client.touched()
    }

    func finish(_ body: @escaping () -> Void) { client.finish(body) }

    private func passed() {
        while let event = port.nextEvent() {
            switch event {
            case .ready where !isReady:
                isReady = true
                onReady?()
            case .ended(let failure): onEnded?(failure)
            case .ready, .resolved, .processed, .waiting: break
            }
        }
        if isReady, port.isDrained { onDrained?() }
    }
}
