package import FTSLCore
package import NIOCore

/// Follows an inbox: a consumer's machine on whatever session its listener serves now.
///
/// Every delivery that was given whole and belongs to a cursor is answered with `done`, `retry` or
/// `dead`; what was printed, stored or dropped is reported with `took`, so that more may come.
package final class Subscription {
    private let port: ConsumerPort
    private let client: PortClient
    private var isDraining = false
    /// Called for each effect of the machine, in order.
    package var onEffect: ((ConsumerPort.Effect) -> Void)?

    package init(
        _ settings: PortClient.Settings, _ configuration: ConsumerPort.Configuration,
        on loop: any EventLoop
    ) {
        port = ConsumerPort(configuration)
        client = PortClient(settings, port: port, on: loop)
        client.onPass = { [weak self] in self?.drain() }
    }

    package var onFailed: ((Failure) -> Void)? {
        get { client.onFailed }
        set { client.onFailed = newValue }
    }
    package var onAttached: (() -> Void)? {
        get { client.onAttached }
        set { client.onAttached = newValue }
    }
    package var onDetached: ((Failure) -> Void)? {
        get { client.onDetached }
        set { client.onDetached = newValue }
    }

    package var peer: String { client.peer }
    package var isAttached: Bool { client.isAttached }
    /// Nothing the application answered waits for its confirmation, nor is anything in its hands.
    package var isSettled: Bool { port.isSettled }

    package func start() { client.start() }
    package func retryNow() { client.retryNow() }

    package func done(_ index: InboxIndex) { touch { $0.done(index) } }
    package func retry(_ index: InboxIndex, after delay: Duration) {
        touch { $0.retry(index, after: delay) }
    }
    package func dead(_ index: InboxIndex, reason: String) {
        touch { $0.dead(index, reason: reason) }
    }
    package func took(messages: UInt64, bytes: UInt64) {
        touch { $0.took(messages: messages, bytes: bytes) }
    }
    package func putBack(_ index: InboxIndex) { touch { $0.return(index) } }
    /// Subscribes again after a refusal that may have passed.
    package func renew() { touch { $0.renew() } }

    /// Ends the session, then calls back; what is in hand is delivered to others.
    package func finish(_ body: @escaping () -> Void) { client.finish(body) }
    package func abandon() { client.abandon() }

    private func touch(_ body: (ConsumerPort) -> Void) {
        body(port)
        // Effects are being handled: all answers to them leave together at the end.
        if !isDraining { client.touched() }
    }

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        var hadAny = false
        while let effect = port.nextEffect() {
            hadAny = true
            onEffect?(effect)
        }
        isDraining = false
        if hadAny { client.touched() }
    }
}
