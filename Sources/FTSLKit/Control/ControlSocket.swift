package import FTSLCore
internal import FTSLTransport
package import NIOCore
internal import NIOPosix

/// Answers what clients of a control socket ask; called on the event loop.
package protocol ControlDelegate: AnyObject {
    /// A line without its newline; no other comes from this client before `finish`.
    func control(_ asker: any ControlAsker, asks line: [UInt8])
    /// The line that is said to a client that is not served.
    func control(refusing reason: Failure) -> String
}

/// Where this user's other commands talk to a listener: lines both ways over a Unix socket.
package final class ControlSocket {
    /// More at a time are turned away.
    package static let maxClients = 32
    /// What neither asks nor takes its answer for so long is let go.
    static let patience: TimeAmount = .seconds(30)

    private let file: ControlSocketFile
    private var clients = 0
    private weak var delegate: (any ControlDelegate)?
    private var channel: (any Channel)?

    package var path: String { file.path }

    /// Takes the name and listens. Call on the event loop.
    ///
    /// - Parameter adopted: A socket that listens there already.
    package init(
        _ path: String, adopting adopted: CInt? = nil, delegate: any ControlDelegate,
        on loop: any EventLoop
    ) throws(ControlFailure) {
        file =
            if let adopted { ControlSocketFile(path, adopting: adopted) } else {
                try ControlSocketFile(path)
            }
        self.delegate = delegate
        let bound = NIOLoopBound(self, eventLoop: loop)
        ServerBootstrap(group: loop)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        IdleStateHandler(allTimeout: Self.patience),
                        ControlClient(bound.value),
                    ])
                }
            }
            .withBoundSocket(file.descriptor)
            .assumeIsolated()
            .whenSuccess { [weak self] in self?.channel = $0 }
    }

    package func hold(_ kept: KeptDescriptors) throws(Unmovable) -> CInt {
        try kept.keep(file.descriptor)
    }

    /// Removes the socket; who is connected is still answered.
    package func close() {
        file.remove()
        channel?.close(promise: nil)
    }

    // MARK: For clients

    func admit(_ client: ControlClient, _ channel: any Channel) {
        clients += 1
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in clients -= 1 }
        guard clients <= Self.maxClients else {
            refuse(client, Failure(.local, .busy, "the listener answers too many others just now"))
            return
        }
        UnixPeer.check(channel).assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success: client.welcome()
            case .failure(let error):
                let failure = error as? Failure
                refuse(client, failure ?? Failure(.local, .internalError, "\(error)"))
            }
        }
    }

    func refuse(_ client: ControlClient, _ reason: Failure) {
        if let delegate { client.send(delegate.control(refusing: reason)) }
        client.close()
    }

    func asked(_ client: ControlClient, _ line: [UInt8]) {
        guard let delegate else { return client.close() }
        delegate.control(client, asks: line)
    }
}
