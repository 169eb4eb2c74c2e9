internal import Glibc

/// What was typed to one peer, a line an entry, oldest first; several shells share it.
///
/// Entries are appended under a lock, so that none of two shells is lost; each reads what the
/// others have added since it last looked.
package final class HistoryFile {
    package struct Trouble: Error, Equatable {
        package var text: String
    }

    package let path: String
    /// How far the file is known here.
    private var offset: off_t = 0

    /// Above this size the older half goes.
    package static let largest = 1 << 20

    package init(path: String) { self.path = path }

    /// The file's name for a peer: no slash, not hidden.
    package static func name(for peer: String) -> String {
        let name = peer.split(separator: "/", omittingEmptySubsequences: false)
            .joined(separator: "%2F")
        return name.hasPrefix(".") ? "%2E" + name.dropFirst() : name
    }

    /// The peer that a file is for.
    package static func peer(named name: String) -> String {
        let text = name.hasPrefix("%2E") ? "." + name.dropFirst(3) : name[...]
        return text.split(separator: "%2F", omittingEmptySubsequences: false)
            .joined(separator: "/")
    }

    /// Whether a line belongs into a history: as in other shells, a space before it keeps it out.
    package static func isKept(_ line: String) -> Bool {
        !line.isEmpty && line.first?.isWhitespace == false && !line.contains("\0")
    }

    /// What others, or an earlier shell, have added since the last look.
    package func news() throws(Trouble) -> [String] {
        guard let file = try open(O_RDONLY) else { return [] }
        defer { close(file) }
        return try Self.entries(readRest(of: file))
    }

    /// Adds a line, and gives back what others have added meanwhile.
    package func append(_ line: String) throws(Trouble) -> [String] {
        guard Self.isKept(line) else { return try news() }
        guard let file = try open(O_RDWR | O_CREAT | O_APPEND) else { return [] }
        defer { close(file) }
        guard flock(file, LOCK_EX) == 0 else { throw failure("lock") }
        let before = try Self.entries(readRest(of: file))
        // One entry is one line of the file.
        let entry = line.split(separator: "\n").joined(separator: "\n") + "\n"
        guard Self.write(entry, to: file) else { throw failure("write") }
        try shrink(file)
        offset = lseek(file, 0, SEEK_END)
        return before
    }

    private func readRest(of file: CInt) throws(Trouble) -> [UInt8] {
        let size = lseek(file, 0, SEEK_END)
        // Another shell has thrown out the older half.
        if offset > size { offset = 0 }
        guard lseek(file, offset, SEEK_SET) == offset else { throw failure("read") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < 2 * Self.largest {
            let count = read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read") }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        offset += off_t(bytes.count)
        return bytes
    }

    private func shrink(_ file: CInt) throws(Trouble) {
        guard lseek(file, 0, SEEK_END) > Self.largest else { return }
        offset = 0
        let bytes = try readRest(of: file)
        let tail = bytes.suffix(Self.largest / 2)
        let start = tail.firstIndex(of: 0x0A).map { $0 + 1 } ?? tail.startIndex
        guard ftruncate(file, 0) == 0,
            Self.write(String(decoding: bytes[start...], as: UTF8.self), to: file)
        else { throw failure("shorten") }
    }

    /// Nil: there is no such file.
    private func open(_ flags: CInt) throws(Trouble) -> CInt? {
        let file = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        if file >= 0 {
            // What is typed is nobody else's business, whoever made the file.
            _ = fchmod(file, 0o600)
            return file
        }
        if errno == ENOENT, flags & O_CREAT == 0 { return nil }
        throw failure("open")
    }

    private func failure(_ verb: String) -> Trouble {
        Trouble(text: "cannot \(verb) \(path): \(String(cString: strerror(errno)).lowercased())")
    }

    private static func entries(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func write(_ text: String, to file: CInt) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest.removeFirst(count)
        }
        return true
    }
}
