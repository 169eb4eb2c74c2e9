internal import FTSLKit

/// Where this user's state is: `$XDG_STATE_HOME/ftsl`, or below `~/.local/state`.
enum StateFolder {
    static func path(_ variable: (String) -> String?) -> String {
        if let base = variable("XDG_STATE_HOME"), base.hasPrefix("/") { return base + "/ftsl" }
        return (variable("HOME") ?? "") + "/.local/state/ftsl"
    }

    /// Of this process's environment.
    static var ofThisUser: String {
        let environment = ChildProcess.environment
        return path { environment[$0] }
    }

    static var outbox: String { ofThisUser + "/outbox.db" }
}
