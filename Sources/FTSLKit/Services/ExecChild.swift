internal import FTSLCore
internal import FTSLTransport
internal import Glibc

/// One run of a session's command: its process, what it leaves, and its private files. [FTSL §11]
struct ExecChild {
    let process: ChildProcess
    /// Nil where there is no folder for them.
    let files: CheckpointFolder.Files?
    /// Its descriptor 4.
    let left: CInt

    typealias Trouble = ChildProcess.SpawnFailure

    /// - Parameters:
    ///   - state: What it finds at descriptor 3.
    ///   - closed: Directions that are finished: input at its end, outputs without a reader.
    static func start(
        _ command: String, environment: [String: String], from state: [UInt8],
        closed: ApplicationState.Closed, files: CheckpointFolder.Files?
    ) throws(Trouble) -> ExecChild {
        var opened: [CInt] = []
        do {
            let input = try Self.input(closed, files, &opened)
            let output = try Self.output(closed.contains(.output), &opened)
            let error = try Self.output(closed.contains(.error), &opened)
            let given = try memoryFile("ftsl-state", state, &opened)
            let left = try memoryFile("ftsl-checkpoint", [], &opened)
            let pid = try ChildProcess.start(
                command, environment: environment,
                descriptors: .list([input.read, output.write, error.write, given, left]))
            for descriptor in [input.read, output.write, error.write, given] { close(descriptor) }
            let process = ChildProcess(
                pid: pid, standardInput: input.write, standardOutput: output.read,
                standardError: error.read)
            return ExecChild(process: process, files: files, left: left)
        } catch {
            for descriptor in opened { close(descriptor) }
            files?.remove()
            throw error
        }
    }

    /// A FIFO, so that what nobody has read can be had back once its reader is gone.
    private static func input(
        _ closed: ApplicationState.Closed, _ files: CheckpointFolder.Files?, _ opened: inout [CInt]
    ) throws(Trouble) -> (read: CInt, write: CInt) {
        if closed.contains(.input) {
            let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard nothing >= 0 else { throw Trouble(doing: "open /dev/null") }
            opened.append(nothing)
            return (nothing, -1)
        }
        guard let files else {
            let pipe = try ChildProcess.pipe(&opened)
            try setStatus(of: pipe.write, O_NONBLOCK)
            return pipe
        }
        guard mkfifo(files.input, 0o600) == 0 else { throw Trouble(doing: "make \(files.input)") }
        // A reader that waited for a writer would wait for ever.
        let flags = O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
        let read = open(files.input, O_RDONLY | flags)
        guard read >= 0 else { throw Trouble(doing: "open \(files.input)") }
        opened.append(read)
        let write = open(files.input, O_WRONLY | flags)
        guard write >= 0 else { throw Trouble(doing: "open \(files.input)") }
        opened.append(write)
        try setStatus(of: read, 0)
        return (read, write)
    }

    private static func setStatus(of descriptor: CInt, _ flags: CInt) throws(Trouble) {
        guard fcntl(descriptor, F_SETFL, flags) == 0 else { throw Trouble(doing: "set up a pipe") }
    }

    private static func output(
        _ isClosed: Bool, _ opened: inout [CInt]
    ) throws(Trouble) -> (read: CInt, write: CInt) {
        let pipe = try ChildProcess.pipe(&opened)
        guard isClosed else { return pipe }
        opened.removeAll { $0 == pipe.read }
        close(pipe.read)
        return (-1, pipe.write)
    }

    private static func memoryFile(
        _ name: String, _ content: [UInt8], _ opened: inout [CInt]
    ) throws(Trouble) -> CInt {
        let file = try MemoryFile.make(name, content)
        opened.append(file)
        return file
    }

    // MARK: What it leaves

    /// How it wants to be asked; nil: it has not said that it can be.
    func declaration() throws(Unmovable) -> CheckpointDeclaration? {
        let start = bytesLeft(atMost: CheckpointDeclaration.maxLine)
        return try CheckpointDeclaration.parse(start)?.declaration
    }

    /// What follows the declaration; empty: no state.
    var state: [UInt8] {
        let bytes = bytesLeft(atMost: .max)
        guard let parsed = try? CheckpointDeclaration.parse(bytes) else { return [] }
        return Array(bytes.dropFirst(parsed.length))
    }

    /// The offset is the command's and stays where it is.
    private func bytesLeft(atMost limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: min(limit, 65_536))
        while bytes.count < limit {
            let count = pread(
                left, &piece, min(piece.count, limit - bytes.count), off_t(bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += piece.prefix(count)
        }
        return bytes
    }

    /// Once, when nothing of it is needed any more.
    func forget() {
        close(left)
        files?.remove()
    }
}
