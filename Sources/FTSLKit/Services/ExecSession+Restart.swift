package import FTSLCore
internal import FTSLTransport
internal import Glibc
package import NIOCore

/// A command that goes on under the next program of this process, and notices nothing. [FTSL §12]
extension ExecSession {
    /// What the next program needs; the command goes on.
    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> ApplicationHold {
        guard ask == nil, parting == nil else {
            throw Unmovable("its command is asked for a checkpoint")
        }
        output.deliverAll()
        error.deliverAll()
        guard !isOver, let child, isHeard || !hasEnded else { return ApplicationHold() }
        var words = ByteBuffer()
        let process = child.process
        words.writeInteger(hasEnded ? 0 : process.pid)
        for (descriptor, isOpen) in [
            (process.standardInput, input?.isOpen ?? false),
            (process.standardOutput, output.isInputOpen),
            (process.standardError, error.isInputOpen), (child.left, !hasEnded),
        ] { words.writeInteger(isOpen ? try kept.keep(descriptor) : -1) }
        let files = hasEnded ? nil : child.files
        words.write(files != nil)
        if let files {
            words.writeLong(ByteBuffer(string: files.input))
            words.writeLong(ByteBuffer(string: files.mark))
        }
        var unread = ByteBuffer()
        if input?.isOpen == true {
            for bytes in (input?.unwritten ?? []) + plumbing.backlog(.main) + [gate.held] {
                unread.writeImmutableBuffer(bytes)
            }
        }
        return ApplicationHold(words: words, unread: unread)
    }

    /// In the next program.
    func goOn(from words: ByteBuffer) throws(Failure) {
        var words = words
        let pid: pid_t = try words.need()
        var descriptors: [CInt] = []
        for _ in 0..<4 { descriptors.append(try words.need()) }
        for descriptor in descriptors where descriptor >= 0 {
            try KeptDescriptors.adopt(descriptor)
        }
        var files: CheckpointFolder.Files?
        if try words.needPresence() {
            files = CheckpointFolder.Files(
                input: String(buffer: try words.needLong()),
                mark: String(buffer: try words.needLong()))
        }
        serve(
            ExecChild(
                process: ChildProcess(
                    pid: pid, standardInput: descriptors[0], standardOutput: descriptors[1],
                    standardError: descriptors[2]), files: files, left: descriptors[3]))
    }
}

extension ExecService: PersistentService {
    package func hold(_ kept: KeptDescriptors) throws(Unmovable) -> ByteBuffer {
        var words = ByteBuffer()
        words.write(setup.folder != nil)
        if let folder = setup.folder {
            words.writeInteger(try kept.keep(folder.lock))
            words.writeInteger(folder.count)
            words.writeLong(ByteBuffer(string: folder.path))
        }
        // Told to go already, and not gone.
        let left = running.values.filter { $0.isOver && !$0.hasEnded }
            .compactMap(\.process?.pid)
        words.writeInteger(UInt32(left.count))
        for pid in left { words.writeInteger(pid) }
        return words
    }

    package func hold(
        _ id: SessionID, _ kept: KeptDescriptors
    ) throws(Unmovable) -> ApplicationHold {
        try running[id]?.hold(kept) ?? ApplicationHold()
    }

    package func goOn(
        _ handle: SessionHandle, peer: String, from words: ByteBuffer
    ) throws(Failure) -> any SessionApplication {
        let session = make(handle, peer)
        running[handle.id] = session
        try session.goOn(from: words)
        return session
    }

    /// The folder of the last program, and the commands that it had told to go.
    static func inherited(
        _ words: ByteBuffer
    ) throws(Failure) -> (folder: CheckpointFolder?, left: [pid_t]) {
        var words = words
        var folder: CheckpointFolder?
        if try words.needPresence() {
            let lock: CInt = try words.need()
            try KeptDescriptors.adopt(lock)
            let count: UInt64 = try words.need()
            folder = CheckpointFolder(
                path: String(buffer: try words.needLong()), lock: lock, count: count)
        }
        var left: [pid_t] = []
        for _ in 0..<(try words.need(UInt32.self)) { left.append(try words.need()) }
        return (folder, left)
    }

    func watch(left pids: [pid_t]) {
        for pid in pids {
            let process = ChildProcess(
                pid: pid, standardInput: -1, standardOutput: -1, standardError: -1)
            let limit = setup.loop.scheduleTask(in: Self.hangUpPatience) {
                process.signalGroup(SIGKILL)
            }
            setup.children.watch(pid, on: setup.loop) { _ in limit.cancel() }
        }
    }
}
