internal import FTSLTransport
internal import Glibc

/// The folder with the control sockets of this user's listeners.
///
/// Whoever can write there could pose as a listener; so it is this user's own, and nobody else gets
/// in.
package enum ControlFolder {
    package typealias Refused = RuntimeFolder.Trouble

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

    package static var path: String { RuntimeFolder.ofThisUser }

    package static func socket(of name: String) -> String { "\(path)/\(name)\(suffix)" }

    package static func make() throws(Refused) { try RuntimeFolder.make(path) }

    /// Names that listeners have or had, in their order; a socket may be left by one that was
    /// killed.
    package static func names() throws(Refused) -> [String] {
        let path = path
        guard try RuntimeFolder.check(path) else { return [] }
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
