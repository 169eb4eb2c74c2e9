package import FTSLCore
internal import FTSLTransport
internal import Glibc
package import NIOCore
internal import NIOPosix

/// Runs a command per session: standard input and output are the stream, standard error is channel
/// 1.
package final class ExecService: SessionService {
    private let command: String
    private let loop: any EventLoop
    private let children: ChildWatcher
    private var running: [SessionID: Running] = [:]
    package var onEnded: ((SessionHandle, Outcome) -> Void)?
    package var onFailure: ((String) -> Void)?

    package static let flags: ServiceFlags = [.exitStatus, .standardError]

    package init(_ command: String, on loop: any EventLoop) {
        self.command = command
        self.loop = loop
        children = ChildWatcher(on: loop)
    }

    private final class Running {
        let child: ChildProcess
        let plumbing: Plumbing
        var hasEnded = false

        init(_ child: ChildProcess, _ plumbing: Plumbing) {
            self.child = child
            self.plumbing = plumbing
        }
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let plumbing = Plumbing(handle)
        var environment = ChildProcess.environment
        let generation = handle.session.host.generation
        environment["FTSL_SESSION_ID"] = "\(handle.id)"
        environment["FTSL_PEER"] = peer
        environment["FTSL_PEER_KEY"] = ""
        environment["FTSL_GENERATION"] = "\(generation.moves).\(generation.starts)"
        environment["FTSL_RESTORED"] = ""
        environment["FTSL_CHECKPOINT"] = ""
        environment["FTSL_CLOSED"] = ""
        do {
            let child = try ChildProcess.spawn(command, environment: environment)
            running[handle.id] = Running(child, plumbing)
            connect(child, plumbing, handle)
        } catch {
            onFailure?(error.text)
            handle.abort(Failure(.local, .applicationFailed, error.text))
        }
        return plumbing
    }

    private func connect(
        _ child: ChildProcess, _ plumbing: Plumbing, _ handle: SessionHandle
    ) {
        let input = ChannelPipe()
        plumbing.attach(sink: input, to: .main)
        // To a command, a torn input must not look like the end of a whole one.
        input.beforeFail = {
            child.signalGroup(SIGHUP)
            child.signalGroup(SIGCONT)
        }
        // A second hold on the pipe tells what was left in it when its reader went away.
        let probe = fcntl(child.standardInput, F_DUPFD_CLOEXEC, 3)
        input.unread = { probe >= 0 ? ChildProcess.unread(in: probe) : 0 }
        var isProbing = probe >= 0
        input.onOutputClosed = {
            if isProbing { close(probe) }
            isProbing = false
        }
        adopt(input, handle) { $0.takingOwnershipOfDescriptor(output: child.standardInput) }
        let output = ChannelPipe()
        adopt(output, handle) { $0.takingOwnershipOfDescriptor(input: child.standardOutput) }
        plumbing.attach(source: output, to: .main)
        let error = ChannelPipe()
        adopt(error, handle) { $0.takingOwnershipOfDescriptor(input: child.standardError) }
        plumbing.attach(source: error, to: .standardError)
        let id = handle.id
        children.watch(child.pid, on: loop) { [weak self] end in
            self?.childEnded(id, handle, end)
        }
    }

    private func adopt(
        _ pipe: ChannelPipe, _ handle: SessionHandle,
        _ take: (NIOPipeBootstrap) -> EventLoopFuture<any Channel>
    ) {
        let bound = NIOLoopBound(pipe, eventLoop: loop)
        let bootstrap = NIOPipeBootstrap(group: loop)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelInitializer { PlainChannel.configure($0, bound.value) }
        take(bootstrap).assumeIsolated().whenFailure { error in
            handle.abort(Failure(.local, .applicationFailed, "cannot use a pipe: \(error)"))
        }
    }

    private func childEnded(_ id: SessionID, _ handle: SessionHandle, _ end: ChildProcess.End) {
        guard let item = running[id] else { return }
        item.hasEnded = true
        // Whatever it did not read is discarded from here on. [FTSL §5.5]
        item.plumbing.stopReading(.main)
        switch end {
        case .status(let value): handle.exit(.status(value))
        case .signal(let value): handle.exit(.signal(value))
        }
        if handle.session.outcome != nil { running[id] = nil }
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {
        if let item = running[handle.id] {
            item.plumbing.cancel()
            if item.hasEnded {
                running[handle.id] = nil
            } else {
                // Its session is over: the command is told as a terminal's would be, and then made
                // to go.
                hangUp(item.child, handle.id)
            }
        }
        onEnded?(handle, outcome)
    }

    private func hangUp(_ child: ChildProcess, _ id: SessionID) {
        child.signalGroup(SIGHUP)
        child.signalGroup(SIGCONT)
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .seconds(5)) {
            guard let item = bound.value.running[id], !item.hasEnded else { return }
            item.child.signalGroup(SIGKILL)
        }
    }

    /// Commands that still run.
    package var count: Int { running.values.count { !$0.hasEnded } }

    /// Ends every command's process group at once.
    package func killAll() {
        for item in running.values where !item.hasEnded { item.child.signalGroup(SIGKILL) }
    }
}
