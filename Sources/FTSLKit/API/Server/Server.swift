internal import FTSLCore
internal import FTSLStore
internal import FTSLTransport
public import Logging
public import Metrics
internal import NIOCore
internal import NIOPosix

/// Serves sessions with applications in Swift, which can move to another server. [FTSL §10]
public final class Server: Sendable {
    /// How it serves, and what it does about moves.
    public struct Options: Sendable {
        /// Sessions move between servers of the same label.
        public var label = "main"
        /// Peers with the permission `migrate` may bring sessions here.
        public var acceptsMigration = false
        /// How long an application may take for its checkpoint.
        public var checkpointTimeout = Duration.seconds(5)
        /// The file in which it is remembered what moved, made with the first move; two servers
        /// must not share one. Nil: below this user's state, under the label.
        public var records: String?
        /// What hears of lost and resumed connections, ends, refusals and moves; nil: nobody.
        public var logger: Logger?
        /// What counts sessions, connections and pauses, under the names of `ftsl listen
        /// --metrics`; the application's `MetricsSystem` unless given.
        public var metrics: (any MetricsFactory)?

        /// The defaults.
        public init() {}
    }

    /// How a move ended.
    public struct Move: Hashable, Sendable {
        /// Sessions that go on at the target.
        public let sessions: Int
        /// Why others stayed here, a sentence each.
        public let stayed: [String]
        /// From the moment nothing was taken in any more until clients were sent over.
        public let pause: Duration
    }

    /// Makes the application of one session; `state` is what the last one returned from
    /// `checkpoint()`, nil where there was none.
    public typealias Begin =
        @Sendable (ServerSession, _ state: [UInt8]?) async throws -> any Migratable

    private let resident: Resident<ServerCore>
    /// Where it listens: the kernel may have chosen the port.
    public let address: String

    /// Listens at `HOST:PORT` or `unix:PATH`, and returns when clients can come.
    ///
    /// On loopback and Unix sockets everybody of this machine may; elsewhere TLS is spoken, and
    /// only keys that `ftsl key trust` has let in are served. Throws `FTSLError`.
    public init(
        at endpoint: String, options: Options = Options(), begin: @escaping Begin
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let wanted: Endpoint
        do {
            wanted = try Endpoint(parsing: endpoint, for: .listen)
        } catch {
            throw FTSLError(.hostUnknown, error.text)
        }
        resident = try await Resident(on: loop) {
            try ServerCore(at: wanted, options, on: loop, begin)
        }
        address = try await resident.wait { $0.listen($1) }
    }

    /// Moves all sessions to another server, and returns when their clients were sent over.
    ///
    /// Whatever fails before the decision is rolled back: applications begin here again from their
    /// own checkpoints. Afterwards new clients are sent over too, for as long as this one lives.
    /// - Parameter maxPause: Longer than this nobody is kept waiting: then it is rolled back.
    /// - Throws: `FTSLError` when it was refused or rolled back. Cancelling the task does not
    ///   stop it.
    @discardableResult
    public func move(to target: String, maxPause: Duration = .seconds(10)) async throws -> Move {
        let endpoints = try Endpoint.named(target)
        return try await resident.wait { core, waiter in
            waiter.isCommitted = true
            core.move(to: endpoints, maxPause, waiter)
        }
    }

    /// Ends every session, and returns when clients have heard it or cannot.
    public func close() async { await resident.finish { $0.close($1) } }
}

/// The part of a `Server` that lives on its event loop.
final class ServerCore {
    private let endpoint: Endpoint
    private let driver: AcceptorDriver
    private let host: MigrationHost
    private let gate: ServerGate
    private var listening: TransportListener?
    private let loop: any EventLoop
    private let telemetry: ServerTelemetry

    init(
        at endpoint: Endpoint, _ options: Server.Options, on loop: any EventLoop,
        _ begin: @escaping ServerSessionCore.Begin
    ) throws {
        self.endpoint = endpoint
        self.loop = loop
        telemetry = ServerTelemetry(options.logger, options.metrics)
        let gate = try ServerGate(endpoint, .ofThisUser)
        let service = ServerService(timeout: options.checkpointTimeout, on: loop, begin)
        let driver = AcceptorDriver(
            configuration: AcceptorConfiguration(), service: service, on: loop)
        var settings = MigrationSettings()
        settings.label = options.label
        settings.service = "swift"
        settings.accepts = options.acceptsMigration
        settings.acceptsPlaintext = endpoint.isLoopback
        settings.key = "\(gate.own)"
        settings.endpoints = ["\(endpoint)"]
        let path =
            options.records ?? "\(StateFolder.ofThisUser)/listeners/swift-\(options.label).db"
        let isOurs = options.records == nil
        let records = HostRecordsFile(path) { if isOurs { try StateFolder.make("listeners") } }
        let host = MigrationHost(
            settings, driver: driver, service: service, records: records,
            security: { [gate] endpoint, _ in gate.security(at: endpoint) },
            mayMigrate: { [gate] in gate.mayMigrate($0) }, on: loop)
        driver.migrations = host
        driver.acceptor.configuration.offered.insert(.migration)
        driver.rights = { [gate, unowned host] identity in
            var rights = gate.rights(of: identity)
            if gate.mayMigrate(identity) || host.knows(identity) { rights.insert(.migration) }
            return rights
        }
        (self.driver, self.host, self.gate) = (driver, host, gate)
        driver.onEvent = { [telemetry, unowned driver] event in
            telemetry.observe(event, sessions: driver.sessionCount)
        }
        driver.onRefused = { [telemetry] in telemetry.refused($0, from: $1) }
        if records.exists { try host.recover() }
    }

    func listen(_ waiter: Waiter<String>) {
        let security = TransportListener.Security(
            credentials: { [gate] in gate.credentials }, allowsPlaintext: endpoint.isLoopback)
        driver.listen(on: endpoint, security: security).assumeIsolated().whenComplete {
            [self] result in
            switch result {
            case .success(let listener):
                listening = listener
                host.settings.endpoints = ["\(listener.endpoint)"]
                waiter.resume(.success("\(listener.endpoint)"))
            case .failure(let error): waiter.fail(FTSLError.of(error))
            }
        }
    }

    func move(to target: [Endpoint], _ maxPause: Duration, _ waiter: Waiter<Server.Move>) {
        var request = MoveRequest(target: target)
        request.maxPause = maxPause
        host.migrate(request, progress: { _ in }) { [telemetry] result in
            switch result {
            case .success(let report):
                let move = Server.Move(
                    sessions: report.sessions, stayed: report.unmovable, pause: report.pause)
                telemetry.moved(move, to: target.map { "\($0)" }.joined(separator: ","))
                waiter.resume(.success(move))
            case .failure(let failure):
                let error = FTSLError(failure)
                telemetry.stayed(error)
                waiter.fail(error)
            }
        }
    }

    func close(_ then: @escaping () -> Void) {
        listening?.close()
        driver.stop(Failure(.local, .shuttingDown, "the server is closed"))
        driver.whenQuiet { [self] in
            withExtendedLifetime(self) {}
            then()
        }
    }
}
