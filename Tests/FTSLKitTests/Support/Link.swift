import FTSLCore
import FTSLTransport
import NIOCore
import Testing

import FTSLKit

/// A session between two real drivers over loopback, with plumbing at both ends.
final class Link {
    let loop = TestLoop()
    private(set) var near: Plumbing
    private(set) var far: Plumbing
    let nearHandle: SessionHandle
    let farHandle: SessionHandle
    private let service: FarService
    private let acceptor: AcceptorDriver
    private let initiator: InitiatorDriver

    /// Retention and window of a channel, at most.
    static let window: UInt64 = 256 << 10

    init() throws {
        let (loop, service) = (loop, FarService())
        let limits = SessionLimits(initialWindow: 64 << 10)
        let acceptor = try loop.run {
            var configuration = AcceptorConfiguration()
            configuration.limits = limits
            configuration.maxWindow = Self.window
            return AcceptorDriver(configuration: configuration, service: service, on: loop.loop)
        }
        let listener = try loop.wait {
            acceptor.listen(on: .tcp(host: "127.0.0.1", port: 0))
        }
        var near: Plumbing?
        var nearHandle: SessionHandle?
        let initiator = try loop.run {
            var configuration = InitiatorConfiguration()
            configuration.limits = limits
            configuration.maxWindow = Self.window
            let driver = InitiatorDriver(
                endpoints: [listener.endpoint], configuration: configuration, on: loop.loop)
            driver.onOpened = {
                let plumbing = Plumbing($0)
                (near, nearHandle) = (plumbing, $0)
                return plumbing
            }
            driver.start()
            return driver
        }
        try loop.expect("a session exists at both ends") { near != nil && service.plumbing != nil }
        guard let near, let nearHandle, let far = service.plumbing, let farHandle = service.handle
        else { throw SystemTrouble(call: "open") }
        (self.near, self.nearHandle, self.far, self.farHandle) = (near, nearHandle, far, farHandle)
        (self.service, self.acceptor, self.initiator) = (service, acceptor, initiator)
    }

    var isOver: Bool { initiator.initiator.isEnded }

    private final class FarService: SessionService {
        var plumbing: Plumbing?
        var handle: SessionHandle?

        func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
            let plumbing = Plumbing(handle)
            (self.plumbing, self.handle) = (plumbing, handle)
            return plumbing
        }
        func ended(_ handle: SessionHandle, _ outcome: Outcome) {}
    }
}
