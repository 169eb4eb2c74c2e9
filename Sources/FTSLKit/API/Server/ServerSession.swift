internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// What an application says to its client. Any task may use it.
public final class ServerSession: Sendable {
    /// Names the session for as long as it lives, on whichever host.
    public let id: String
    /// The client's key (`ftsl1:…`) or the name in its certificate; nil without TLS.
    public let peer: String?
    private let core: NIOLoopBound<ServerSessionCore>
    private let loop: any EventLoop

    init(_ core: ServerSessionCore, on loop: any EventLoop) {
        id = "\(core.handle.id)"
        peer = core.handle.peer.isVerified ? "\(core.handle.peer)" : nil
        self.core = NIOLoopBound(core, eventLoop: loop)
        self.loop = loop
    }

    /// Sends bytes after everything that was sent before; suspends while the client takes no more.
    ///
    /// - Throws: `FTSLError` when the session has ended, or its client's reader went away;
    ///   `CancellationError`, and then nothing of it was sent.
    public func send(_ bytes: [UInt8]) async throws {
        let core = core
        try await Waiter<Void>.wait(on: loop) { core.value.send(bytes, $0) }
    }

    /// The UTF-8 of a text.
    public func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Says that nothing more will be sent; the client sees the end of a whole stream.
    public func finish() async throws {
        let core = core
        try await Waiter<Void>.wait(on: loop) { core.value.finish($0) }
    }
}

/// One session and its application, on the loop.
final class ServerSessionCore: SessionApplication {
    typealias Begin = @Sendable (ServerSession, [UInt8]?) async throws -> any Migratable

    private enum Input {
        case bytes(ByteBuffer)
        case end
    }

    private struct Output {
        var bytes: [UInt8]
        var waiter: Waiter<Void>
    }

    /// One question for a checkpoint.
    private struct Ask {
        var answer: (CheckpointAnswer) -> Void
        var timer: Scheduled<Void>?
    }

    let handle: SessionHandle
    private let loop: any EventLoop
    private let timeout: Duration
    private let begin: Begin
    private var application: (any Migratable)?
    private var inputs = Deque<Input>()
    private var outputs = Deque<Output>()
    /// The application has been called and has not returned.
    private var isBusy = true
    private var ask: Ask?
    /// It has left its state, and is not called any more.
    private var hasLeft = false
    private var failure: FTSLError?
    private var task: Task<Void, Never>?

    /// Sent beyond the client's window while a checkpoint is asked for, in bytes.
    private static let overdraft = 16 << 20
    private var overdrawn = 0

    init(
        _ handle: SessionHandle, timeout: Duration, on loop: any EventLoop,
        _ begin: @escaping Begin
    ) {
        self.handle = handle
        self.timeout = timeout
        self.loop = loop
        self.begin = begin
    }

    // MARK: The application's calls

    func start(from state: [UInt8]?) {
        application = nil
        let begin = begin
        let session = ServerSession(self, on: loop)
        call {
            let application = try await begin(session, state)
            return { $0.application = application }
        }
    }

    /// Runs a call of the application; what it gives back is done on the loop.
    private func call(
        _ body: @escaping @Sendable () async throws -> @Sendable (ServerSessionCore) -> Void
    ) {
        isBusy = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        task = Task {
            let result: Result<@Sendable (ServerSessionCore) -> Void, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            loop.execute { bound.value.returned(result) }
        }
    }

    private func returned(_ result: Result<@Sendable (ServerSessionCore) -> Void, any Error>) {
        isBusy = false
        switch result {
        case .success(let then): then(self)
        case .failure(let error):
            guard failure == nil else { return }
            handle.abort(Failure(.local, .applicationFailed, "its application failed: \(error)"))
        }
        next()
    }

    private func next() {
        guard !isBusy, !hasLeft, failure == nil, let application else { return }
        if ask != nil { return leave(application) }
        switch inputs.popFirst() {
        case .bytes(let bytes):
            let count = bytes.readableBytes
            call {
                try await application.receive(Array(bytes.readableBytesView))
                return { $0.handle.took(count, from: .main) }
            }
        case .end:
            call {
                try await application.receiveEnd()
                return { $0.handle.tookEnd(.main) }
            }
        case nil: break
        }
    }

    // MARK: Leaving

    var obstacle: Unmovable? {
        if let failure { return Unmovable(failure.text) }
        return ask != nil ? Unmovable("it is asked for a checkpoint already") : nil
    }

    func checkpoint(then answer: @escaping (CheckpointAnswer) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let timeout = timeout
        let timer = loop.scheduleTask(in: .nanoseconds(Int64(timeout.wholeNanoseconds))) {
            bound.value.giveUp("its application left no checkpoint within \(timeout.plain)")
        }
        ask = Ask(answer: answer, timer: timer)
        pass()
        next()
    }

    private func leave(_ application: any Migratable) {
        call {
            let state = try await application.checkpoint()
            return { $0.left(state, application) }
        }
    }

    private func left(_ state: [UInt8], _ application: any Migratable) {
        let ask = takeAsk()
        guard let ask, state.count <= ExecSession.maxState else {
            // Too late, or too much: the next one begins here.
            if failure == nil { start(from: state) }
            ask?.answer(
                .failure(Unmovable("its state is larger than \(ExecSession.maxState) bytes")))
            return
        }
        hasLeft = true
        self.application = nil
        var unread = ByteBuffer()
        for case .bytes(let bytes) in inputs { unread.writeImmutableBuffer(bytes) }
        let isInputOver = handle.session.receivingChannels[0].endTaken && inputs.isEmpty
        refuseOutputs(FTSLError(.shuttingDown, "the session goes on at another host"))
        ask.answer(
            .success(
                ApplicationState(
                    state: state, closed: isInputOver ? .input : [], unread: unread)))
    }

    private func giveUp(_ reason: String) {
        takeAsk()?.answer(.failure(Unmovable(reason)))
    }

    private func takeAsk() -> Ask? {
        defer { ask = nil }
        ask?.timer?.cancel()
        return ask
    }

    // MARK: Output

    func send(_ bytes: [UInt8], _ waiter: Waiter<Void>) {
        if let refusal { return waiter.fail(refusal) }
        waiter.onCancelled = { [weak self, unowned waiter] in
            self?.outputs.removeAll { $0.waiter === waiter }
        }
        outputs.append(Output(bytes: bytes, waiter: waiter))
        pass()
    }

    func finish(_ waiter: Waiter<Void>) {
        if let refusal { return waiter.fail(refusal) }
        handle.finish(.main)
        waiter.resume()
    }

    private var refusal: FTSLError? {
        if let failure { return failure }
        if hasLeft { return FTSLError(.shuttingDown, "the session goes on at another host") }
        let channel = handle.session.sendingChannels[0]
        if channel.finished { return FTSLError(.shuttingDown, "its end was said already") }
        return channel.stoppedAt == nil ? nil : FTSLError(.stopped, "the client reads no more")
    }

    private func pass() {
        while let next = outputs.first {
            let room = handle.room(on: .main)
            let isAllowed = ask != nil && overdrawn + next.bytes.count <= Self.overdraft
            guard room > 0 || isAllowed else { return }
            outputs.removeFirst()
            if ask != nil { overdrawn += max(0, next.bytes.count - room) }
            handle.write(ByteBuffer(bytes: next.bytes), to: .main)
            next.waiter.resume()
        }
    }

    private func refuseOutputs(_ error: FTSLError) {
        let waiting = outputs
        outputs = []
        for output in waiting { output.waiter.fail(error) }
    }

    // MARK: SessionApplication

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        inputs.append(.bytes(bytes))
        next()
    }

    func finished(_ channel: ChannelNumber) {
        inputs.append(.end)
        next()
    }

    func stopped(_ channel: ChannelNumber, at position: UInt64) {
        if let refusal { refuseOutputs(refusal) }
    }

    func room(on channel: ChannelNumber) { pass() }
    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) {}
    func attached(resumed: Bool) {}

    func settled(_ outcome: Outcome) {
        let failure =
            switch outcome {
            case .aborted(let failure, _, _), .lost(let failure, _, _): FTSLError(failure)
            case .complete, .stopped: FTSLError(.shuttingDown, "the session has ended")
            }
        self.failure = failure
        takeAsk()?.answer(.failure(Unmovable("its session has ended")))
        refuseOutputs(failure)
        inputs = []
        // Whatever it still does is for nobody.
        task?.cancel()
        application = nil
    }
}
