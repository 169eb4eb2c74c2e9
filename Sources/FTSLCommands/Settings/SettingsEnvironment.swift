internal import FTSLKit
internal import Glibc

/// The `FTSL_…` variables of the environment, as options.
enum SettingsEnvironment {
    /// What `--exec` gives its children: not options in such a child, whatever options have these
    /// names.
    static let givenToChildren: Set<String> = [
        "FTSL_SESSION_ID", "FTSL_PEER", "FTSL_PEER_KEY", "FTSL_GENERATION", "FTSL_RESTORED",
        "FTSL_CHECKPOINT", "FTSL_CLOSED", "FTSL_MESSAGE_ID", "FTSL_TOPIC", "FTSL_INDEX",
        "FTSL_PRODUCER", "FTSL_SEQUENCE", "FTSL_ATTEMPT",
    ]

    /// Every `FTSL_…` variable that may stand for an option; empty ones count as unset.
    static func read() -> [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            entry += 1
            guard strncmp(text, "FTSL_", 5) == 0 else { continue }
            let pair = String(cString: text).split(separator: "=", maxSplits: 1)
            if pair.count == 2 { found[String(pair[0])] = String(pair[1]) }
        }
        return options(in: found)
    }

    /// Leaves out what a parent of ours said about a session or a message, and what the last
    /// program of this process left: nobody should have to look up the names of options for those.
    static func options(in variables: [String: String]) -> [String: String] {
        let isChild = variables["FTSL_SESSION_ID"] != nil || variables["FTSL_MESSAGE_ID"] != nil
        return variables.filter { name, _ in
            name != Successor.variable && !(isChild && isGivenToChildren(name))
        }
    }

    private static func isGivenToChildren(_ name: String) -> Bool {
        givenToChildren.contains(name) || name.hasPrefix("FTSL_HEADER_")
    }
}
