internal import CPlatform
internal import Glibc

/// The one place where the process ends.
enum ProcessEnd {
    static func with(_ ending: Ending, _ log: Log?) -> Never {
        (log ?? Log(threshold: .error, format: .text)).error(ending)
        exit(ending.status)
    }
}

enum ProcessLimits {
    /// Read buffers come and go a few thousand times a second; giving their pages back to the
    /// kernel each time costs more than copying into them. At most this much stays with an idle
    /// process.
    static func keepMemory() {
        cplatform_keep_memory(4 << 20, 16 << 20)
    }

    /// How many descriptors this process may have.
    static var descriptors: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// As many descriptors as the system allows: a listener has one a connection.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(7), &limit)
    }
}
