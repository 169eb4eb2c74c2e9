internal import FTSLCore
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The command of one session, and the next one when it has left a checkpoint.
final class ExecSession: ExecCommand {
    let handle: SessionHandle
    private let peer: String
    let setup: ExecSetup
    private(set) var plumbing: Plumbing
    private(set) var child: ExecChild?
    var process: ChildProcess? { child?.process }
    private(set) var input: CommandInput?
    private(set) var output = ChannelPipe()
    private(set) var error = ChannelPipe()
    private(set) var gate = LineGate()
    /// A checkpoint was asked for, and the command has not ended since.
    var ask: Ask?
    /// Its command has ended, and there is no other.
    private(set) var hasEnded = false
    /// It is to move without one.
    var parting: Parting?
    /// The session is over: its command has been told to go.
    var isOver = false

    /// Its command cannot be started.
    var onFailure: ((String) -> Void)?
    /// Its command has ended for good: by itself, or it is to go on elsewhere.
    var onEnded: (() -> Void)?

    /// One question for a checkpoint.
    struct Ask {
        let declaration: CheckpointDeclaration
        /// Nil: answered already, in the negative; what the command leaves is started anew here.
        var answer: ((CheckpointAnswer) -> Void)?
        var timer: Scheduled<Void>?
        /// Input that came meanwhile; it is not taken.
        var input = ByteBuffer()
        /// Outputs that ended meanwhile: perhaps only because the command made way.
        var ended: Set<ChannelNumber> = []
        /// The command gets input all the same: it has let the time limit pass.
        var isPassing = false
    }

    init(_ handle: SessionHandle, peer: String, _ setup: ExecSetup) {
        self.handle = handle
        self.peer = peer
        self.setup = setup
        plumbing = Plumbing(handle)
    }

    // MARK: Starting

    /// - Parameter state: What the command goes on from; nil at its first start.
    func start(from state: ApplicationState?) throws(ChildProcess.SpawnFailure) {
        var closed = state?.closed.union(finished) ?? []
        // There is something to read before the end.
        if let state, state.unread.readableBytes > 0 { closed.remove(.input) }
        let files = setup.folder?.files()
        let child = try ExecChild.start(
            setup.command,
            environment: environment(restored: state != nil, closed, mark: files?.mark),
            from: state?.state ?? [], closed: closed, files: files)
        serve(child)
    }

    /// Connects a command that runs, or what one that has ended left running, to the session.
    func serve(_ child: ExecChild) {
        self.child = child
        plumbing = Plumbing(handle)
        gate = LineGate()
        connect(child.process)
        hasEnded = child.process.pid == 0
        guard !hasEnded else { return }
        setup.children.watch(child.process.pid, on: setup.loop) { [self] in childEnded($0) }
    }

    private func environment(
        restored: Bool, _ closed: ApplicationState.Closed, mark: String?
    ) -> [String: String] {
        var environment = setup.environment(of: handle, peer: peer)
        environment["FTSL_RESTORED"] = restored ? "1" : ""
        environment["FTSL_CHECKPOINT"] = mark ?? ""
        environment["FTSL_CLOSED"] = closed.names
        return environment
    }

    private func connect(_ process: ChildProcess) {
        (input, output, error) = (nil, ChannelPipe(), ChannelPipe())
        if process.standardInput >= 0 {
            let input = CommandInput(process.standardInput)
            self.input = input
            plumbing.attach(sink: input, to: .main)
            // To a command, a torn input must not look like the end of a whole one.
            input.beforeFail = {
                process.signalGroup(SIGHUP)
                process.signalGroup(SIGCONT)
            }
            adopt(input) { $0.takingOwnershipOfDescriptor(output: process.standardInput) }
        }
        for (pipe, descriptor, channel) in [
            (output, process.standardOutput, ChannelNumber.main),
            (error, process.standardError, .standardError),
        ] where descriptor >= 0 {
            adopt(pipe) { $0.takingOwnershipOfDescriptor(input: descriptor) }
            plumbing.attach(source: pipe, to: channel)
        }
    }

    private func adopt(
        _ pipe: some ChannelHandler, _ take: (NIOPipeBootstrap) -> EventLoopFuture<any Channel>
    ) {
        let bound = NIOLoopBound(pipe, eventLoop: setup.loop)
        let bootstrap = NIOPipeBootstrap(group: setup.loop)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        take(bootstrap).assumeIsolated().whenFailure { [handle] error in
            handle.abort(Failure(.local, .applicationFailed, "cannot use a pipe: \(error)"))
        }
    }

    // MARK: Ending

    private func childEnded(_ end: ChildProcess.End) {
        if ask != nil, end == .status(Self.checkpointStatus), handle.session.outcome == nil,
            let child
        {
            let state = child.state
            if !state.isEmpty { return leftCheckpoint(state) }
        }
        endedByItself(end)
    }

    private func endedByItself(_ end: ChildProcess.End) {
        hasEnded = true
        let ask = takeAsk()
        for channel in ask?.ended ?? [] { handle.finish(channel) }
        // Whatever it did not read is discarded from here on. [FTSL §5.5]
        plumbing.stopReading(.main, unread: input?.unread ?? 0)
        child?.forget()
        switch end {
        case .status(let value): handle.exit(.status(value))
        case .signal(let value): handle.exit(.signal(value))
        }
        onEnded?()
        if let answer = ask?.answer { part(then: answer) }
    }

    /// Its command has made way for another one.
    private func leftCheckpoint(_ bytes: [UInt8]) {
        let ask = takeAsk()
        let left = collect(bytes, ask)
        if bytes.count <= Self.maxState, let answer = ask?.answer {
            hasEnded = true
            onEnded?()
            return answer(.success(left))
        }
        goOn(from: left)
        ask?.answer?(
            .failure(Unmovable("its command left a state of more than \(Self.maxState) bytes")))
    }

    /// Everything the last command wrote goes to the session, and everything it did not read back.
    private func collect(_ state: [UInt8], _ ask: Ask?) -> ApplicationState {
        guard let child else { return ApplicationState(state: state) }
        let process = child.process
        process.signalGroup(SIGKILL)
        for bytes in output.takeRest(of: process.standardOutput) { handle.write(bytes, to: .main) }
        for bytes in error.takeRest(of: process.standardError) {
            handle.write(bytes, to: .standardError)
        }
        var unread = ByteBuffer()
        let waiting = plumbing.takeBack(.main)
        for bytes in (input?.takeBack() ?? []) + waiting { unread.writeImmutableBuffer(bytes) }
        unread.writeImmutableBuffer(gate.takeHeld())
        if let ask { unread.writeImmutableBuffer(ask.input) }
        child.forget()
        // Whoever has no reader any more discards what comes.
        if handle.session.receivingChannels[0].stoppedAt != nil { unread = ByteBuffer() }
        var closed = finished
        // What it had not read, the next one reads before the end.
        if unread.readableBytes > 0 { closed.remove(.input) }
        return ApplicationState(state: state, closed: closed, unread: unread)
    }

    private func goOn(from left: ApplicationState) {
        do {
            try start(from: left)
            handle.takeBack(left.unread, from: .main)
        } catch {
            hasEnded = true
            onEnded?()
            onFailure?(error.text)
        }
    }

    /// What the session has finished.
    private var finished: ApplicationState.Closed {
        var closed: ApplicationState.Closed = []
        for channel in handle.session.receivingChannels
        where channel.endTaken || channel.stoppedAt != nil { closed.insert(.input) }
        for channel in handle.session.sendingChannels where channel.finished {
            closed.insert(channel.number == .main ? .output : .error)
        }
        return closed
    }

    /// Closes everything of a session that is over.
    func cancel() {
        isOver = true
        let ask = takeAsk()
        plumbing.cancel()
        ask?.answer?(.failure(Unmovable("its session has ended")))
        parted(.failure(Unmovable("its session has ended")))
    }

    /// A new state is never larger.
    static let maxState = 64 << 20
    /// EX_TEMPFAIL: I go on elsewhere.
    static let checkpointStatus: UInt8 = 75

    // MARK: SessionApplication

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        if ask?.isPassing == false {
            ask?.input.writeImmutableBuffer(bytes)
        } else {
            pass(bytes, on: channel)
        }
    }

    func pass(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        guard setup.options.lines else { return plumbing.received(bytes, on: channel) }
        if let lines = gate.add(bytes) { plumbing.received(lines, on: channel) }
        let held = gate.held.readableBytes
        if held > LineGate.maxLine || !hasRoom(for: held, on: channel) {
            plumbing.received(gate.takeHeld(), on: channel)
        }
    }

    /// What nobody takes before its line has an end must not fill the window, or that end never
    /// comes.
    private func hasRoom(for held: Int, on channel: ChannelNumber) -> Bool {
        let wanted = UInt64(2 * held)
        return handle.session.receivingChannels[0].open >= wanted
            || handle.widen(channel, to: 2 * wanted) || handle.widen(channel, to: wanted)
    }

    func finished(_ channel: ChannelNumber) {
        // Then the end, like the input that waits, is told to whoever goes on.
        if ask?.isPassing == false { return }
        if gate.held.readableBytes > 0 { plumbing.received(gate.takeHeld(), on: channel) }
        plumbing.finished(channel)
    }

    func stopped(_ channel: ChannelNumber, at position: UInt64) {
        plumbing.stopped(channel, at: position)
        partIfHeardOut()
    }

    func room(on channel: ChannelNumber) { plumbing.room(on: channel) }
    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) {}
    func attached(resumed: Bool) {}
    func settled(_ outcome: Outcome) { plumbing.settled(outcome) }
}

extension ChildProcess.End {
    var text: String {
        switch self {
        case .status(let value): "status \(value)"
        case .signal(let value): "signal \(value)"
        }
    }
}

extension ApplicationState.Closed {
    /// As `FTSL_CLOSED` has it.
    var names: String {
        [(Self.input, "stdin"), (.output, "stdout"), (.error, "stderr")]
            .filter { contains($0.0) }.map(\.1).joined(separator: ",")
    }
}
