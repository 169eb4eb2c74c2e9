internal import FTSLTransport
internal import Glibc

/// The private folder of one listener: the FIFOs of its commands, and the files that tell them that
/// a checkpoint is wanted. [FTSL §11]
///
/// It is locked while its listener lives, so that the next one can tell what a killed one left.
package final class CheckpointFolder {
    package let path: String
    let lock: CInt
    private(set) var count: UInt64 = 0

    /// Folders of killed listeners that one start looks at, at most.
    private static let cleanedAtOnce = 256
    private static let prefix = "exec-"

    /// Makes it in `base`, which is made too, and removes what is left there of others.
    package init(in base: String) throws(RuntimeFolder.Trouble) {
        try RuntimeFolder.make(base)
        // Nobody may take a new folder for a left one before it is locked.
        let turn = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard turn >= 0, Self.locks(turn, waiting: true) else {
            if turn >= 0 { close(turn) }
            throw Self.trouble("lock", base)
        }
        defer { close(turn) }
        Self.clean(base)
        var template = Array("\(base)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.trouble("make a folder in", base) }
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0, Self.locks(lock, waiting: false) else {
            throw Self.trouble("lock", path)  // `deinit` closes it
        }
    }

    /// The folder of the last program of this process, with its lock. [FTSL §12]
    init(path: String, lock: CInt, count: UInt64) {
        self.path = path
        self.lock = lock
        self.count = count
    }

    deinit { if lock >= 0 { close(lock) } }

    /// Removes the folder with everything in it.
    package func remove() { Self.remove(path) }

    private static func locks(_ descriptor: CInt, waiting: Bool) -> Bool {
        while flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            guard errno == EINTR else { return false }
        }
        return true
    }

    private static func clean(_ base: String) {
        for name in names(in: base).filter({ $0.hasPrefix(prefix) }).prefix(cleanedAtOnce) {
            let left = open(
                "\(base)/\(name)", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard left >= 0 else { continue }
            if locks(left, waiting: false) { remove("\(base)/\(name)") }
            close(left)
        }
    }

    private static func remove(_ folder: String) {
        for name in names(in: folder) { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private static func names(in folder: String) -> [String] {
        guard let open = opendir(folder) else { return [] }
        defer { closedir(open) }
        var names: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func trouble(_ verb: String, _ path: String) -> RuntimeFolder.Trouble {
        RuntimeFolder.Trouble(text: "cannot \(verb) \(path): \(TransportFailure.text(of: errno))")
    }

    /// Names for one more command.
    package func files() -> Files {
        count += 1
        return Files(input: "\(path)/\(count).input", mark: "\(path)/\(count).checkpoint")
    }

    /// The files of one command; neither exists at first.
    package struct Files: Equatable, Sendable {
        /// The FIFO that is its standard input.
        package let input: String
        /// `FTSL_CHECKPOINT`: has content once a checkpoint is wanted.
        package let mark: String

        /// Says that a checkpoint is wanted.
        func setMark() throws(Unmovable) {
            let descriptor = open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw failure(mark) }
            defer { close(descriptor) }
            guard write(descriptor, "1\n", 2) == 2 else { throw failure(mark) }
        }

        /// The FIFO for reading what the command leaves in it; waits for nobody.
        func openInput() throws(Unmovable) -> CInt {
            let descriptor = open(input, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure(input) }
            return descriptor
        }

        func clearMark() { unlink(mark) }

        func remove() {
            unlink(input)
            unlink(mark)
        }

        private func failure(_ path: String) -> Unmovable {
            Unmovable("cannot use \(path): \(TransportFailure.text(of: errno))")
        }
    }
}
