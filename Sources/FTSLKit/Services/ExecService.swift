package import FTSLCore
internal import Glibc
package import NIOCore

/// Runs a command per session: standard input and output are the stream, standard error is channel
/// 1; or all three are a terminal. A command that declares it can move leaves a checkpoint when it
/// is asked to. [FTSL §11]
package final class ExecService: MovableService {
    package struct Options: Sendable {
        /// Commands get whole lines only.
        package var lines = false
        /// Commands have a terminal, and stay where they are.
        package var terminal = false
        /// How long a command may take for its checkpoint.
        package var checkpointTimeout = Duration.seconds(5)
        /// Bytes that it may write meanwhile beyond the session's room.
        package var checkpointBuffer: UInt64 = 16 << 20

        package init() {}
    }

    let setup: ExecSetup
    var running: [SessionID: any ExecCommand] = [:]
    package var onEnded: ((SessionHandle, Outcome) -> Void)?
    package var onFailure: ((String) -> Void)?
    /// Why no session can move; nil: some may.
    package let folderTrouble: String?

    /// What clients are told of such a service.
    package static func flags(_ options: Options) -> ServiceFlags {
        [.exitStatus, options.terminal ? .terminal : .standardError]
    }

    /// - Parameters:
    ///   - runtimeFolder: Where the private files of commands are.
    ///   - children: Who tells when a command has ended; a watcher of its own unless given.
    ///   - inheritance: What the last program of this process has left; throws where it is none.
    package init(
        _ command: String, options: Options = Options(),
        runtimeFolder: String = RuntimeFolder.ofThisUser, children: ChildWatcher? = nil,
        inheritance: ByteBuffer? = nil, on loop: any EventLoop
    ) throws(Failure) {
        let inherited = try inheritance.map { words throws(Failure) in try Self.inherited(words) }
        var folder = inherited?.folder
        var trouble: String?
        if folder == nil, !options.terminal {
            do {
                folder = try CheckpointFolder(in: runtimeFolder)
            } catch {
                // Commands run all the same.
                trouble = error.text
            }
        }
        folderTrouble = trouble
        setup = ExecSetup(
            command: command, options: options, folder: folder,
            children: children ?? ChildWatcher(on: loop), loop: loop)
        watch(left: inherited?.left ?? [])
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        start(handle, peer, from: nil)
    }

    private func start(
        _ handle: SessionHandle, _ peer: String, from state: ApplicationState?
    ) -> any ExecCommand {
        let session = make(handle, peer)
        do {
            try session.start(from: state)
            running[handle.id] = session
        } catch {
            session.onFailure?(error.text)
        }
        return session
    }

    func make(_ handle: SessionHandle, _ peer: String) -> any ExecCommand {
        let session: any ExecCommand =
            setup.options.terminal
            ? TerminalSession(handle, peer: peer, setup) : ExecSession(handle, peer: peer, setup)
        let id = handle.id
        session.onFailure = { [weak self] in
            self?.onFailure?($0)
            handle.abort(Failure(.local, .applicationFailed, $0))
        }
        session.onEnded = { [weak self, weak session] in
            guard let self, let session else { return }
            // Otherwise `ended` is still to come.
            if session.isOver, running[id] === session { running[id] = nil }
        }
        return session
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {
        if let session = running[handle.id] {
            session.cancel()
            if session.hasEnded {
                running[handle.id] = nil
            } else {
                // Its session is over: the command is told as a terminal's would be, and then made
                // to go.
                hangUp(session)
            }
        }
        onEnded?(handle, outcome)
    }

    private func hangUp(_ session: any ExecCommand) {
        session.process?.signalGroup(SIGHUP)
        session.process?.signalGroup(SIGCONT)
        let bound = NIOLoopBound(session, eventLoop: setup.loop)
        setup.loop.scheduleTask(in: Self.hangUpPatience) {
            guard !bound.value.hasEnded else { return }
            bound.value.process?.signalGroup(SIGKILL)
        }
    }

    /// How long a command that was hung up on may take to go.
    static let hangUpPatience: TimeAmount = .seconds(5)

    package var children: ChildWatcher { setup.children }

    /// Commands that still run.
    package var count: Int { running.values.count { !$0.hasEnded } }

    /// Ends every command's process group at once.
    package func killAll() {
        for session in running.values where !session.hasEnded {
            session.process?.signalGroup(SIGKILL)
        }
    }

    /// Removes the private files: no command is started or asked any more.
    package func close() { setup.folder?.remove() }

    // MARK: MovableService

    package func obstacle(of id: SessionID) -> Unmovable? {
        running[id]?.obstacle
    }

    package func checkpoint(_ id: SessionID, then: @escaping (CheckpointAnswer) -> Void) {
        // Its command had ended before an earlier move or restart.
        guard let session = running[id] else { return then(.success(nil)) }
        session.checkpoint { [weak self] result in
            // Whoever has the state decides where it goes on.
            if case .success = result, self?.running[id] === session { self?.running[id] = nil }
            then(result)
        }
    }

    package func restore(
        _ handle: SessionHandle, peer: String, from state: ApplicationState
    ) -> any SessionApplication {
        start(handle, peer, from: state)
    }
}
