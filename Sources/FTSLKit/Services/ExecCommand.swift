internal import FTSLCore
internal import NIOCore

/// What every session of one `ExecService` needs.
struct ExecSetup {
    let command: String
    let options: ExecService.Options
    /// Nil: none could be made, and nothing can move.
    let folder: CheckpointFolder?
    let children: ChildWatcher
    let loop: any EventLoop

    /// What every command finds in its environment.
    func environment(of handle: SessionHandle, peer: String) -> [String: String] {
        var environment = ChildProcess.environment
        let generation = handle.session.host.generation
        environment["FTSL_SESSION_ID"] = "\(handle.id)"
        environment["FTSL_PEER"] = peer
        environment["FTSL_PEER_KEY"] = handle.peer.isVerified ? "\(handle.peer)" : ""
        environment["FTSL_GENERATION"] = "\(generation.moves).\(generation.starts)"
        for name in ["RESTORED", "CHECKPOINT", "CLOSED"] { environment["FTSL_\(name)"] = "" }
        return environment
    }
}

/// The command of one session, on pipes or on a terminal.
protocol ExecCommand: SessionApplication {
    /// Nil before it runs.
    var process: ChildProcess? { get }
    /// It has ended, and there is no other.
    var hasEnded: Bool { get }
    /// The session is over: the command has been told to go.
    var isOver: Bool { get }
    /// It cannot be started.
    var onFailure: ((String) -> Void)? { get set }
    /// It has ended for good: by itself, or it is to go on elsewhere.
    var onEnded: (() -> Void)? { get set }

    /// - Parameter state: What the command goes on from; nil at its first start.
    func start(from state: ApplicationState?) throws(ChildProcess.SpawnFailure)
    /// What stands in the way of a checkpoint now.
    var obstacle: Unmovable? { get }
    /// Asks the command to leave a checkpoint and end.
    func checkpoint(then answer: @escaping (CheckpointAnswer) -> Void)
    /// What the next program of this process needs; the command goes on. [FTSL §12]
    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> ApplicationHold
    /// In the next program.
    func goOn(from words: ByteBuffer) throws(Failure)
    /// Closes everything of a session that is over.
    func cancel()
}
