internal import CPlatform
internal import FTSLTransport
internal import Glibc

/// Where this user's sockets and pipes are while programs run: `$XDG_RUNTIME_DIR/ftsl`, or a folder
/// of its own in /tmp.
package enum RuntimeFolder {
    package struct Trouble: Error, Equatable {
        package var text: String
    }

    /// In a folder that is this user's own: not so for root with the environment of somebody else.
    package static func path(_ variable: (String) -> String?) -> String {
        let base = variable("XDG_RUNTIME_DIR") ?? ""
        var status = cplatform_status()
        if base.hasPrefix("/"), cplatform_lstat(base, &status) == 0,
            status.mode & S_IFMT == S_IFDIR, status.owner == geteuid()
        {
            return base + "/ftsl"
        }
        return "/tmp/ftsl-\(geteuid())"
    }

    /// Of this process's environment.
    package static var ofThisUser: String {
        let environment = ChildProcess.environment
        return path { environment[$0] }
    }

    /// Makes the folder if there is none, and refuses one that others could change or look into.
    package static func make(_ path: String) throws(Trouble) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw Trouble(text: "cannot make \(path): \(TransportFailure.text(of: errno))")
        }
        _ = try check(path)
    }

    /// False: there is none.
    package static func check(_ path: String) throws(Trouble) -> Bool {
        var status = cplatform_status()
        if cplatform_lstat(path, &status) != 0 {
            if errno == ENOENT { return false }
            throw Trouble(text: "cannot read \(path): \(TransportFailure.text(of: errno))")
        }
        guard status.mode & S_IFMT == S_IFDIR, status.owner == geteuid() else {
            throw Trouble(text: "\(path) is not a folder of this user's own")
        }
        guard status.mode & 0o077 == 0 else {
            throw Trouble(text: "\(path) lets others in; it must be private: chmod 700 \(path)")
        }
        return true
    }
}
