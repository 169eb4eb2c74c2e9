import FTSLCore
import FTSLStore
import FTSLTransport
import Foundation
import NIOCore
import Testing

import FTSLKit

/// A folder of the test's own, gone with it.
final class TestFolder: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/ftsl-api-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    func file(_ name: String) -> String { path + "/" + name }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A listener with an inbox in this process, that can end and begin anew at the same place.
final class InboxListener {
    private let loop = TestLoop()
    private let path: String
    private let permissions: InboxPermissions
    private let limits: InboxLimits
    private var served: (service: InboxService, driver: AcceptorDriver, TransportListener)?
    private(set) var endpoint: Endpoint

    init(
        _ path: String, permissions: InboxPermissions = .everything,
        limits: InboxLimits = InboxLimits(), at endpoint: Endpoint? = nil
    ) throws {
        self.path = path
        self.permissions = permissions
        self.limits = limits
        // A port could be somebody else's by the time the listener begins anew.
        self.endpoint = endpoint ?? .unix(path: path + ".socket")
        try start()
    }

    var address: String { "\(endpoint)" }

    func start() throws {
        let (loop, path, permissions) = (loop, path, permissions)
        var options = InboxOptions()
        options.limits = limits
        let (service, driver) = try loop.run {
            let service = try LocalInbox.open(
                path, options, permissions: { _ in permissions }, on: loop.loop)
            var configuration = AcceptorConfiguration()
            configuration.offered = .messages
            let driver = AcceptorDriver(
                configuration: configuration, service: service, inbox: service, on: loop.loop)
            service.serve(on: driver)
            return (service, driver)
        }
        let wanted = endpoint
        // The port is free again when the socket of the life before is closed.
        let end = ContinuousClock.now + .seconds(10)
        var bound: TransportListener?
        while bound == nil {
            do {
                bound = try loop.wait { driver.listen(on: wanted) }
            } catch {
                guard ContinuousClock.now < end else { throw error }
            }
        }
        guard let listener = bound else { return }
        endpoint = listener.endpoint
        served = (service, driver, listener)
    }

    /// Everything in memory is gone afterwards, as when the process dies.
    func stop() throws {
        guard let (service, driver, listener) = served else { return }
        var isClosed = false
        try loop.run {
            listener.close()
            driver.stop(Failure(.local, .shuttingDown, "the test ends it"))
            service.close { isClosed = true }
        }
        try loop.expect("the inbox's file is let go") { isClosed }
        try loop.run { _ = (service, driver) }
        served = nil
    }

    deinit { try? stop() }
}
