internal import FTSLCore
internal import Glibc
package import NIOCore
internal import NIOPosix

/// A command that is fed on its standard input and heard on its standard error; its output is ours.
///
/// A command that does not read its input, or ends before it has, does nothing wrong.
package final class FedChild {
    package var onErrorOutput: ((ByteBuffer) -> Void)?
    /// The command took so many bytes more of its input, or will never want them.
    package var onTaken: ((Int) -> Void)?
    /// Once, after the last `onErrorOutput`.
    package var onEnded: ((ChildProcess.End) -> Void)?

    private let child: ChildProcess
    private let loop: any EventLoop
    private let input = ChannelPipe()
    private let error = ChannelPipe()
    /// A second hold on the pipe of standard error, for what it holds when the command ends.
    private let rest: CInt
    private var isReady = false
    private var isInputOver = false
    private var isFinished = false
    private var waiting: [ByteBuffer] = []

    /// - Parameter output: the command's standard output.
    package init(
        _ command: String, environment: [String: String], output: CInt, children: ChildWatcher,
        on loop: any EventLoop
    ) throws(ChildProcess.SpawnFailure) {
        child = try ChildProcess.spawn(command, environment: environment, output: output)
        self.loop = loop
        rest = fcntl(child.standardError, F_DUPFD_CLOEXEC, 3)
        feed()
        listen()
        children.watch(child.pid, on: loop) { [self] in ended($0) }
    }

    package func signalGroup(_ number: CInt) { child.signalGroup(number) }

    package func write(_ bytes: ByteBuffer) {
        if isInputOver {
            onTaken?(bytes.readableBytes)
        } else if isReady {
            input.write(bytes)
        } else {
            waiting.append(bytes)
        }
    }

    /// Nothing more is written.
    package func finish() {
        isFinished = true
        if isReady, !isInputOver { input.finish() }
    }

    private func feed() {
        input.onTaken = { [unowned self] in onTaken?($0) }
        input.onFailed = { [unowned self] _ in isInputOver = true }
        adopt(input) { $0.takingOwnershipOfDescriptor(output: child.standardInput) }
            .whenComplete { [self] in
                isReady = true
                if case .failure = $0 { isInputOver = true }
                let bodies = waiting
                waiting = []
                for bytes in bodies { write(bytes) }
                if isFinished { finish() }
            }
    }

    private func listen() {
        error.onBytes = { [unowned self] in
            onErrorOutput?($0)
            error.demand()
        }
        adopt(error) { $0.takingOwnershipOfDescriptor(input: child.standardError) }
            .whenSuccess { [self] in error.demand() }
    }

    private func adopt(
        _ pipe: ChannelPipe, _ take: (NIOPipeBootstrap) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<Void>.Isolated {
        let bound = NIOLoopBound(pipe, eventLoop: loop)
        let bootstrap = NIOPipeBootstrap(group: loop)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelInitializer { PlainChannel.configure($0, bound.value) }
        return take(bootstrap).map { _ in }.assumeIsolated()
    }

    private func ended(_ end: ChildProcess.End) {
        isInputOver = true
        input.cancelOutput()
        // Children of the command may hold the pipe; only what is in it now is the command's word.
        error.cancelInput(.readerGone)
        readRest()
        onEnded?(end)
        onErrorOutput = nil
        onTaken = nil
        onEnded = nil
    }

    private func readRest() {
        guard rest >= 0 else { return }
        defer { close(rest) }
        var left = ChildProcess.unread(in: rest)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while left > 0 {
            let count = read(rest, &chunk, min(left, chunk.count))
            guard count > 0 else { return }
            left -= count
            onErrorOutput?(ByteBuffer(bytes: chunk[..<count]))
        }
    }
}
