internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import Glibc
internal import NIOCore

/// Another command of this program, run beside the shell because it owns its process.
final class ShellChild {
    let words: [String]
    /// What it prints; true: on its standard error.
    var onOutput: ((ByteBuffer, Bool) -> Void)?
    /// Once, after the last output.
    var onEnded: ((Int32) -> Void)?

    private let child: ChildProcess
    private var streams = 0
    private var end: ChildProcess.End?

    /// - Parameter output: Its standard output; told to `onOutput` unless given.
    init(
        _ words: [String], output: CInt? = nil, children: ChildWatcher, on loop: any EventLoop
    ) throws(Ending) {
        self.words = words
        let command = ([Self.program] + words).map(CommandWords.quoted)
        do {
            child = try ChildProcess.spawn(
                "exec " + command.joined(separator: " "), environment: ChildProcess.environment,
                output: output)
        } catch {
            throw Ending(.internalError, error.text)
        }
        // What it could read belongs to the shell.
        close(child.standardInput)
        read(child.standardOutput, isError: false, on: loop)
        read(child.standardError, isError: true, on: loop)
        children.watch(child.pid, on: loop) { [self] in
            end = $0
            finishIfOver()
        }
    }

    /// This program, also when its file was replaced meanwhile.
    private static var program: String {
        var space = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &space, space.count)
        let path = String(
            decoding: space.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.isEmpty || path.hasSuffix(" (deleted)") ? "/proc/\(getpid())/exe" : path
    }

    func signal(_ number: CInt) { child.signalGroup(number) }

    private func read(_ descriptor: CInt, isError: Bool, on loop: any EventLoop) {
        guard descriptor >= 0 else { return }
        streams += 1
        let source = DescriptorSource(descriptor: descriptor, on: loop)
        source.onBytes = { [unowned self, unowned source] in
            onOutput?($0, isError)
            source.demand()
        }
        // Holds the source, and this, until its end.
        source.onEnd = { [self] _ in
            close(descriptor)
            source.onEnd = nil
            streams -= 1
            finishIfOver()
        }
        source.demand()
    }

    private func finishIfOver() {
        guard streams == 0, let end else { return }
        self.end = nil
        switch end {
        case .status(let status): onEnded?(Int32(status))
        case .signal(let number): onEnded?(ExitStatus.signal(Int32(number)))
        }
    }
}
