internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore
internal import NIOHTTP1

extension Listener {
    /// Serves `--metrics`, then calls back; at once where nobody asked for it.
    func openMetrics(on loop: any EventLoop, then ready: @escaping () -> Void) {
        guard let wanted = metricsEndpoint else { return ready() }
        MetricsServer.start(at: wanted, on: loop) { [unowned self] in page($0) }
            .assumeIsolated().whenComplete { [unowned self] result in
                switch result {
                case .success(let server):
                    metricsServer = server
                    log.notice(
                        "metrics at \(server.endpoint)",
                        ["metrics": .string("\(server.endpoint)")])
                    ready()
                case .failure(let error):
                    let reason = (error as? Failure)?.text ?? "\(error)"
                    end(Ending(.unreachable, "cannot serve metrics at \(wanted): \(reason)"))
                }
            }
    }

    private func page(_ path: String) -> WebAnswer {
        switch path {
        case "/metrics":
            return WebAnswer(
                type: "text/plain; version=0.0.4; charset=utf-8", text: metrics?.text ?? "")
        case "/healthz":
            // Whoever balances load should send nobody here any more.
            guard driver?.acceptor.isDraining == false else {
                return WebAnswer(status: .serviceUnavailable, text: "draining\n")
            }
            return WebAnswer(text: "ok\n")
        default:
            return WebAnswer(
                status: .notFound, text: "there is /metrics, and /healthz\n")
        }
    }
}
