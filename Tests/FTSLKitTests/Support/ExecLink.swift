import FTSLCore
import FTSLTransport
import Glibc
import NIOCore
import Testing

import FTSLKit

/// A command at the far end of a session over loopback, and somebody who may move it.
final class ExecLink {
    let loop = ExecLink.shared
    let exec: ExecService
    let client: Client
    /// A private folder: files of the test, and those of the command below `run`.
    let folder: String
    private let mover: Mover
    private let acceptor: AcceptorDriver
    private let initiator: InitiatorDriver

    /// For all of them: whoever waits for SIGCHLD does so for ever.
    private static let shared = TestLoop()
    private static let children = Result {
        try shared.run {
            // Other threads of this process may take SIGCHLD: look without being told.
            let children = ChildWatcher(on: shared.loop)
            let bound = NIOLoopBound(children, eventLoop: shared.loop)
            shared.loop.scheduleRepeatedTask(
                initialDelay: .zero, delay: .milliseconds(2)
            ) { _ in bound.value.check() }
            return Carried(children)
        }
    }

    /// `TEST_FOLDER` is where the test may leave something for the command.
    init(
        _ command: String, window: UInt64 = 1 << 20,
        _ change: (inout ExecService.Options) -> Void = { _ in }
    ) throws {
        signal(SIGPIPE, SIG_IGN)
        var template = Array("/tmp/ftsl-exec-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemTrouble(call: "mkdtemp") }
        let folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.folder = folder
        var options = ExecService.Options()
        change(&options)
        let (loop, wanted) = (loop, options)
        let children = try Self.children.get().value
        let exec = try loop.run {
            try ExecService(
                "TEST_FOLDER=\(folder)\n" + command, options: wanted,
                runtimeFolder: folder + "/run", children: children, on: loop.loop)
        }
        self.exec = exec
        let mover = Mover(exec)
        let client = Client()
        (self.mover, self.client) = (mover, client)
        let limits = SessionLimits(initialWindow: 64 << 10)
        let acceptor: AcceptorDriver = try loop.run {
            var configuration = AcceptorConfiguration()
            configuration.limits = limits
            configuration.maxWindow = window
            configuration.flags.formUnion(ExecService.flags(wanted))
            return AcceptorDriver(configuration: configuration, service: mover, on: loop.loop)
        }
        let listener = try loop.wait {
            acceptor.listen(on: .tcp(host: "127.0.0.1", port: 0))
        }
        initiator = try loop.run {
            var configuration = InitiatorConfiguration()
            configuration.limits = limits
            configuration.maxWindow = window
            let driver = InitiatorDriver(
                endpoints: [listener.endpoint], configuration: configuration, on: loop.loop)
            driver.onOpened = {
                client.handle = $0
                return client
            }
            driver.start()
            return driver
        }
        self.acceptor = acceptor
        try loop.expect("a session exists at both ends") {
            client.handle != nil && mover.handle != nil
        }
    }

    deinit {
        let (mover, exec, folder) = (mover, exec, folder)
        let clean = {
            exec.killAll()
            exec.close()
            mover.current = nil
            unlink(folder + "/go")
            rmdir(folder + "/run")
            rmdir(folder)
        }
        // On the loop it must not wait for the loop.
        if loop.loop.inEventLoop { clean() } else { _ = try? loop.run(clean) }
    }

    var session: Session? { mover.handle?.session }

    func send(_ bytes: [UInt8]) throws {
        let client = client
        try loop.run { client.send(bytes) }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func finish() throws {
        let client = client
        try loop.run { client.finish() }
    }

    /// The client gives the session up.
    func end() {
        let client = client
        _ = try? loop.run {
            client.handle?.abort(Failure(.local, .shuttingDown, "the test is over"))
        }
    }

    /// Lets a command go on that waits for `$TEST_FOLDER/go`.
    func letGo() { Glibc.close(open(folder + "/go", O_CREAT | O_WRONLY, 0o600)) }

    func expectReady(_ location: SourceLocation = #_sourceLocation) throws {
        let (exec, mover) = (exec, mover)
        try loop.expect("the command has declared that it can move", sourceLocation: location) {
            mover.handle.map { exec.obstacle(of: $0.id) == nil } ?? false
        }
    }

    func expectOutput(_ text: String, _ location: SourceLocation = #_sourceLocation) throws {
        let client = client
        try loop.expect("the output is \(text)", sourceLocation: location) {
            client.output.count >= text.utf8.count
        }
        #expect(try output == text, sourceLocation: location)
    }

    func expectEnd(
        _ report: ExitReport, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let client = client
        try loop.expect("the session ends", sourceLocation: location) { client.outcome != nil }
        #expect(try loop.run { client.exit } == report, sourceLocation: location)
    }

    var output: String {
        get throws { String(decoding: try bytes, as: UTF8.self) }
    }

    var bytes: [UInt8] {
        get throws {
            let client = client
            return try loop.run { client.output }
        }
    }

    var errors: String {
        get throws {
            let client = client
            return String(decoding: try loop.run { client.errors }, as: UTF8.self)
        }
    }

    /// Asks for a checkpoint; with `restoring`, it is started again in the same turn of the loop.
    func checkpoint(
        restoring: Bool = true, _ location: SourceLocation = #_sourceLocation
    ) throws -> CheckpointAnswer {
        let mover = mover
        let asked = try loop.run { mover.checkpoint(restoring: restoring) }
        try loop.expect("an answer", sourceLocation: location) { asked.result != nil }
        return try loop.run { try #require(asked.result) }
    }

    /// The service of the session, and of the next one at its place.
    private final class Mover: SessionService {
        private let exec: ExecService
        private let front = Front()
        private(set) var handle: SessionHandle?
        var current: (any SessionApplication)? {
            get { front.current }
            set { front.current = newValue }
        }

        init(_ exec: ExecService) { self.exec = exec }

        func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
            self.handle = handle
            front.current = exec.begin(handle, peer: peer)
            return front
        }

        func ended(_ handle: SessionHandle, _ outcome: Outcome) { exec.ended(handle, outcome) }

        final class Asked {
            var result: CheckpointAnswer?
        }

        func checkpoint(restoring: Bool) -> Asked {
            let asked = Asked()
            guard let handle else { return asked }
            exec.checkpoint(handle.id) { [self] result in
                asked.result = result
                guard restoring, case .success(let state?) = result else { return }
                front.current = exec.restore(handle, peer: "", from: state)
                handle.takeBack(state.unread, from: .main)
            }
            return asked
        }
    }

    /// What the driver knows; the application behind it changes.
    private final class Front: SessionApplication {
        var current: (any SessionApplication)?

        func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
            current?.received(bytes, on: channel)
        }
        func finished(_ channel: ChannelNumber) { current?.finished(channel) }
        func stopped(_ channel: ChannelNumber, at position: UInt64) {
            current?.stopped(channel, at: position)
        }
        func room(on channel: ChannelNumber) { current?.room(on: channel) }
        func exited(_ report: ExitReport) { current?.exited(report) }
        func terminalChanged(_ state: TerminalState) { current?.terminalChanged(state) }
        func detached(_ failure: Failure) { current?.detached(failure) }
        func attached(resumed: Bool) { current?.attached(resumed: resumed) }
        func settled(_ outcome: Outcome) { current?.settled(outcome) }
    }

    /// The near end: writes what it is told to, and keeps what comes.
    final class Client: SessionApplication {
        fileprivate(set) var handle: SessionHandle?
        private(set) var output: [UInt8] = []
        private(set) var errors: [UInt8] = []
        private(set) var exit: ExitReport?
        private(set) var outcome: Outcome?
        private(set) var ended: Set<ChannelNumber> = []
        private(set) var stoppedAt: UInt64?
        /// Takes nothing of what comes while this is set.
        var isStalled = false { didSet { takeAll() } }
        private var waiting = ByteBuffer()
        private var isFinished = false
        private var untaken: [(ChannelNumber, Int)] = []

        func send(_ bytes: [UInt8]) {
            waiting.writeBytes(bytes)
            pump()
        }

        func finish() {
            isFinished = true
            pump()
        }

        private func pump() {
            guard let handle else { return }
            while waiting.readableBytes > 0 {
                let room = min(handle.room(on: .main), 60_000, waiting.readableBytes)
                guard room > 0, let piece = waiting.readSlice(length: room) else { return }
                handle.write(piece, to: .main)
            }
            if isFinished { handle.finish(.main) }
        }

        private func takeAll() {
            guard !isStalled else { return }
            let all = untaken
            untaken = []
            for (channel, count) in all { handle?.took(count, from: channel) }
        }

        func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
            if channel == .main {
                output += bytes.readableBytesView
            } else {
                errors += bytes.readableBytesView
            }
            untaken.append((channel, bytes.readableBytes))
            takeAll()
        }
        func finished(_ channel: ChannelNumber) {
            ended.insert(channel)
            handle?.tookEnd(channel)
        }
        func stopped(_ channel: ChannelNumber, at position: UInt64) { stoppedAt = position }
        func room(on channel: ChannelNumber) { pump() }
        func exited(_ report: ExitReport) { exit = report }
        func detached(_ failure: Failure) {}
        func attached(resumed: Bool) {}
        func settled(_ outcome: Outcome) { self.outcome = outcome }
    }
}
