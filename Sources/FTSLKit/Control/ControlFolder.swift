internal import CPlatform
internal import FTSLTransport
internal import Glibc

/// The folder with the control sockets of this user's listeners.
///
/// Whoever can write there could pose as a listener; so it is this user's own, and nobody else gets
/// in.
package enum ControlFolder {
    package struct Refused: Error, Equatable {
        package var text: String
    }

    package static let maxName = 64
    private static let suffix = ".sock"

    /// Letters, digits, `.`, `_` and `-`; never like an option or a hidden file.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= maxName else { return false }
        return first != 0x2D && first != 0x2E && text.utf8.allSatisfy(isPlain)
    }

    /// The nearest name to any text that is not empty.
    package static func name(like text: String) -> String {
        let plain = text.utf8.prefix(maxName).map { isPlain($0) ? $0 : 0x5F }
        let name = String(decoding: plain, as: UTF8.self)
        return isName(name) ? name : "_" + name.dropFirst()
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    /// `$XDG_RUNTIME_DIR/ftsl`; below /tmp where there is no such folder of this user's own, as for
    /// root with the environment of somebody else.
    package static var path: String {
        let base = ChildProcess.environment["XDG_RUNTIME_DIR"] ?? ""
        var status = cplatform_status()
        if base.hasPrefix("/"), cplatform_lstat(base, &status) == 0,
            status.mode & S_IFMT == S_IFDIR, status.owner == geteuid()
        {
            return base + "/ftsl"
        }
        return "/tmp/ftsl-\(geteuid())"
    }

    package static func socket(of name: String) -> String { "\(path)/\(name)\(suffix)" }

    package static func make() throws(Refused) {
        let path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw Refused(text: "cannot make \(path): \(TransportFailure.text(of: errno))")
        }
        _ = try check()
    }

    /// False: there is none.
    package static func check() throws(Refused) -> Bool {
        let path = path
        var status = cplatform_status()
        if cplatform_lstat(path, &status) != 0 {
            if errno == ENOENT { return false }
            throw Refused(text: "cannot read \(path): \(TransportFailure.text(of: errno))")
        }
        guard status.mode & S_IFMT == S_IFDIR, status.owner == geteuid() else {
            throw Refused(text: "\(path) is not a folder of this user's own")
        }
        guard status.mode & 0o077 == 0 else {
            throw Refused(text: "\(path) lets others in; it must be private: chmod 700 \(path)")
        }
        return true
    }

    /// Names that listeners have or had, in their order; a socket may be left by one that was
    /// killed.
    package static func names() throws(Refused) -> [String] {
        guard try check() else { return [] }
        guard let folder = opendir(path) else {
            throw Refused(text: "cannot read \(path): \(TransportFailure.text(of: errno))")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let file = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let name = String(file.dropLast(suffix.count))
            if file.hasSuffix(suffix), isName(name) { names.append(name) }
        }
        return names.sorted()
    }
}
