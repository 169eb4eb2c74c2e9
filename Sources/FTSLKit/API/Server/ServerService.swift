internal import FTSLCore
internal import NIOCore

/// Applications in Swift as a service whose sessions can move.
final class ServerService: MovableService {
    private let begin: ServerSessionCore.Begin
    private let timeout: Duration
    private let loop: any EventLoop
    private var running: [SessionID: ServerSessionCore] = [:]

    init(timeout: Duration, on loop: any EventLoop, _ begin: @escaping ServerSessionCore.Begin) {
        self.begin = begin
        self.timeout = timeout
        self.loop = loop
    }

    func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        start(handle, from: nil)
    }

    private func start(_ handle: SessionHandle, from state: [UInt8]?) -> ServerSessionCore {
        let session = ServerSessionCore(handle, timeout: timeout, on: loop, begin)
        running[handle.id] = session
        session.start(from: state)
        return session
    }

    func ended(_ handle: SessionHandle, _ outcome: Outcome) { running[handle.id] = nil }

    func obstacle(of id: SessionID) -> Unmovable? {
        guard let session = running[id] else { return Self.nothingRuns }
        return session.obstacle
    }

    func checkpoint(_ id: SessionID, then: @escaping (CheckpointAnswer) -> Void) {
        guard let session = running[id] else { return then(.failure(Self.nothingRuns)) }
        session.checkpoint { [weak self] result in
            if case .success = result { self?.running[id] = nil }
            then(result)
        }
    }

    func restore(
        _ handle: SessionHandle, peer: String, from state: ApplicationState
    ) -> any SessionApplication {
        start(handle, from: state.state)
    }

    private static let nothingRuns = Unmovable("no application runs for this session")
}
