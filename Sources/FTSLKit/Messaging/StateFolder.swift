package import FTSLStore
internal import Glibc

/// Where this user's state is: `$XDG_STATE_HOME/ftsl`, or below `~/.local/state`.
package enum StateFolder {
    package static func path(_ variable: (String) -> String?) -> String {
        if let base = variable("XDG_STATE_HOME"), base.hasPrefix("/") { return base + "/ftsl" }
        return (variable("HOME") ?? "") + "/.local/state/ftsl"
    }

    /// Of this process's environment.
    package static var ofThisUser: String {
        let environment = ChildProcess.environment
        return path { environment[$0] }
    }

    package static var outbox: String { ofThisUser + "/outbox.db" }

    /// Makes the folder of this user, with those above it.
    package static func make(_ subfolder: String = "") throws(StoreFailure) {
        let path = ofThisUser + (subfolder.isEmpty ? "" : "/" + subfolder)
        for (index, character) in path.enumerated() where character == "/" && index > 0 {
            _ = mkdir(String(path.prefix(index)), 0o700)
        }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            let reason = String(cString: strerror(errno)).lowercased()
            throw StoreFailure(.folderNotWritable, "cannot make \(path): \(reason)")
        }
    }
}
