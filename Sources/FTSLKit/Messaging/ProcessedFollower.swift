internal import FTSLCore
internal import NIOCore

/// Learns from the inbox how far consumers are with messages that another process delivers.
final class ProcessedFollower {
    private let port: ProcessedPort
    private let client: PortClient
    var onProcessed: ((MessageFrame.Processed) -> Void)?
    /// Nothing more is told.
    var onEnded: ((Failure) -> Void)?

    init(
        _ wanted: MessageFrame.Watch, _ settings: PortClient.Settings, on loop: any EventLoop
    ) {
        port = ProcessedPort(wanted)
        client = PortClient(settings, port: port, on: loop)
        client.onFailed = { [weak self] in self?.onEnded?($0) }
        client.onPass = { [weak self] in
            guard let self else { return }
            if let news = port.takeNews() { onProcessed?(news) }
            if let refusal = port.takeRefusal() { onEnded?(refusal) }
        }
    }

    func start() { client.start() }

    func watch(from: LaneSequence) {
        port.watch(from: from)
        client.touched()
    }

    func retryNow() { client.retryNow() }
    func finish(_ body: @escaping () -> Void) { client.finish(body) }
}
