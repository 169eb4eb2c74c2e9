package import FTSLCore
internal import Glibc

/// How many descriptors this process may have.
package enum DescriptorLimit {
    /// The soft limit this process was started with: what its commands get again.
    package static let inherited = Int(clamping: current().rlim_cur)

    private static func current() -> rlimit {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
            ? limit : rlimit(rlim_cur: 1_024, rlim_max: 1_024)
    }

    private static func set(_ limit: rlimit) {
        var limit = limit
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// As many as the hard limit allows; gives back how many that is.
    package static func raise() -> Int {
        _ = inherited  // noted before it changes
        let all = current().rlim_max
        set(rlimit(rlim_cur: all, rlim_max: all))
        return Int(clamping: current().rlim_cur)
    }

    /// Runs `body` under the inherited limit: a command that uses select() must not get large
    /// descriptor numbers because we like them.
    static func withInherited<R>(_ body: () -> R) -> R {
        let own = current()
        guard own.rlim_cur != rlim_t(inherited) else { return body() }
        set(rlimit(rlim_cur: rlim_t(inherited), rlim_max: own.rlim_max))
        defer { set(own) }
        return body()
    }
}

extension AcceptorConfiguration {
    /// Descriptors for what is not a session: standard streams, the loop, the listener.
    private static let spare = 64

    /// Lowers the bounds to what `descriptors` carry; strangers get at most a quarter of them, and
    /// as many again may be on their way out.
    package mutating func fit(descriptors: Int, perSession: Int) {
        let free = max(descriptors - Self.spare, 8)
        maxUnprovenConnections = min(maxUnprovenConnections, max(2, free / 4))
        let left = free - 2 * maxUnprovenConnections
        maxSessions = min(maxSessions, max(1, left / perSession))
        maxSessionsPerSource = min(maxSessionsPerSource, maxSessions)
    }
}
