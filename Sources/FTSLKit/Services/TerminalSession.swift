internal import FTSLCore
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The command of one session on a terminal of its own: it ends where it began, and is hung up when
/// its session is over. [FTSL §5.10]
final class TerminalSession: ExecCommand {
    let handle: SessionHandle
    private let peer: String
    private let setup: ExecSetup
    let plumbing: Plumbing
    let pipe = ChannelPipe()
    private(set) var terminal: PseudoTerminal?
    private(set) var input: TerminalInput?
    private(set) var state: TerminalState?
    private(set) var process: ChildProcess?
    private(set) var hasEnded = false
    private(set) var isOver = false
    private var untilStart: Scheduled<Void>?

    var onFailure: ((String) -> Void)?
    var onEnded: (() -> Void)?

    /// How long a client may take to say what its terminal is like.
    private static let patience = TimeAmount.seconds(2)
    /// What is read at a time: little waits here when the session has no room.
    private static let piece = 4096

    init(_ handle: SessionHandle, peer: String, _ setup: ExecSetup) {
        self.handle = handle
        self.peer = peer
        self.setup = setup
        plumbing = Plumbing(handle)
        pipe.errorAtEnd = EIO
    }

    // MARK: Starting

    /// The command begins once it is known what its terminal is like.
    func start(from state: ApplicationState?) throws(ChildProcess.SpawnFailure) {
        guard state == nil else {
            throw ChildProcess.SpawnFailure(text: "a command with a terminal cannot be moved")
        }
        waitForTerminal()
    }

    func waitForTerminal() {
        let bound = NIOLoopBound(self, eventLoop: setup.loop)
        untilStart = setup.loop.scheduleTask(in: Self.patience) { bound.value.begin() }
    }

    func terminalChanged(_ state: TerminalState) {
        let old = self.state
        self.state = state
        guard let terminal, let old else { return begin() }
        terminal.resize(state)
        if state.redraws != old.redraws { terminal.redraw() }
    }

    private func begin() {
        untilStart?.cancel()
        untilStart = nil
        guard process == nil, !hasEnded, !isOver else { return }
        do throws(ChildProcess.SpawnFailure) {
            try spawn(state ?? TerminalState())
        } catch {
            hasEnded = true
            onEnded?()
            onFailure?(error.text)
        }
    }

    private func spawn(_ state: TerminalState) throws(ChildProcess.SpawnFailure) {
        let terminal = try PseudoTerminal()
        terminal.resize(state)
        var environment = setup.environment(of: handle, peer: peer)
        environment["TERM"] = state.name.isEmpty ? "dumb" : state.name
        // Those of whoever started the listener.
        environment["COLUMNS"] = nil
        environment["LINES"] = nil
        let pid = try ChildProcess.start(
            setup.command, environment: environment, descriptors: .terminal(terminal.path))
        do throws(ChildProcess.SpawnFailure) {
            try serve(pid, terminal, state, hasOutput: true)
        } catch {
            kill(-pid, SIGKILL)
            throw error
        }
    }

    /// - Parameters:
    ///   - pid: 0: the command has ended, and what it wrote is still to be read.
    ///   - hasOutput: The terminal's output has not come to its end.
    func serve(
        _ pid: pid_t, _ terminal: PseudoTerminal, _ state: TerminalState, hasOutput: Bool
    ) throws(ChildProcess.SpawnFailure) {
        process = ChildProcess(pid: pid, standardInput: -1, standardOutput: -1, standardError: -1)
        self.state = state
        self.terminal = terminal
        hasEnded = pid == 0
        if !hasEnded { setup.children.watch(pid, on: setup.loop) { [self] in childEnded($0) } }
        guard hasOutput else { return }
        let descriptor = try terminal.duplicate()
        let input = TerminalInput(pipe, of: terminal, on: setup.loop)
        self.input = input
        plumbing.attach(sink: input, to: .main)
        adopt(descriptor)
        plumbing.attach(source: pipe, to: .main)
    }

    private func adopt(_ descriptor: CInt) {
        let bound = NIOLoopBound(pipe, eventLoop: setup.loop)
        NIOPipeBootstrap(group: setup.loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.piece)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .takingOwnershipOfDescriptor(inputOutput: descriptor)
            .assumeIsolated().whenFailure { [handle] error in
                close(descriptor)
                handle.abort(
                    Failure(.local, .applicationFailed, "cannot use a terminal: \(error)"))
            }
    }

    // MARK: Ending

    private func childEnded(_ end: ChildProcess.End) {
        hasEnded = true
        // Nobody reads what was typed ahead; what the command has written is still read to its end.
        plumbing.stopReading(.main)
        switch end {
        case .status(let value): handle.exit(.status(value))
        case .signal(let value): handle.exit(.signal(value))
        }
        onEnded?()
    }

    func cancel() {
        isOver = true
        untilStart?.cancel()
        if process == nil { hasEnded = true }
        terminal?.close()
        plumbing.cancel()
    }

    // MARK: Moving

    private static let immovable = Unmovable("its command has a terminal, which stays here")

    /// Only what the terminal said has still to reach the client.
    private var isDone: Bool {
        hasEnded && !isOver && handle.session.outcome == nil && !pipe.isInputOpen
    }

    var obstacle: Unmovable? { isDone ? nil : Self.immovable }

    func checkpoint(then answer: @escaping (CheckpointAnswer) -> Void) {
        pipe.deliverAll()
        answer(isDone ? .success(nil) : .failure(Self.immovable))
    }

    // MARK: SessionApplication

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        begin()
        plumbing.received(bytes, on: channel)
    }

    func finished(_ channel: ChannelNumber) {
        begin()
        plumbing.finished(channel)
    }

    func stopped(_ channel: ChannelNumber, at position: UInt64) {
        plumbing.stopped(channel, at: position)
    }

    func room(on channel: ChannelNumber) { plumbing.room(on: channel) }
    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) {}
    func attached(resumed: Bool) {}
    func settled(_ outcome: Outcome) { plumbing.settled(outcome) }
}
