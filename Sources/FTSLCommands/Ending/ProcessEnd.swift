internal import Glibc

/// The one place where the process ends.
enum ProcessEnd {
    static func with(_ ending: Ending, _ log: Log?) -> Never {
        (log ?? Log(threshold: .error, format: .text)).error(ending)
        exit(ending.status)
    }
}

enum ProcessLimits {
    /// As many descriptors as the system allows: a listener has one a connection.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(7), &limit)
    }
}
