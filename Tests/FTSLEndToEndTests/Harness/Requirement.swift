import Foundation
import Testing

/// What some tests need from the machine. In CI nothing is skipped: what is missing fails there.
enum Requirement {
    static let isCI =
        ProcessInfo.processInfo.environment["CI"].map { !["", "false", "0"].contains($0) } ?? false

    /// Tests that wait as long as the real world does.
    static let isLong = ProcessInfo.processInfo.environment["FTSL_LONG"] == "1"

    static var hasIPv6: Bool {
        FileManager.default.fileExists(atPath: "/proc/net/if_inet6") && hasLoopback6
    }

    private static var hasLoopback6: Bool {
        let text = (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)) ?? ""
        return text.contains("00000000000000000000000000000001")
    }

    static let folders: [String] = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    }()

    /// The full path of a program that is installed.
    static func find(_ program: String) -> String? {
        let places = program.hasPrefix("/") ? [""] : folders.map { $0 + "/" }
        return places.map { $0 + program }.first { access($0, X_OK) == 0 }
    }

    static func missing(_ programs: [String]) -> [String] { programs.filter { find($0) == nil } }
}

extension Trait where Self == ConditionTrait {
    /// Skips with a reason where a program is not installed, except in CI.
    static func needs(_ programs: String...) -> ConditionTrait {
        let missing = Requirement.missing(programs)
        return .enabled(
            if: Requirement.isCI || missing.isEmpty,
            "not installed: \(missing.joined(separator: " ")) in \(Requirement.folders)")
    }

    /// Skips where the test cannot close other processes' sockets or make namespaces, except in CI.
    static var needsRoot: ConditionTrait {
        .enabled(if: Requirement.isCI || geteuid() == 0, "needs root")
    }

    /// For what takes minutes: only with FTSL_LONG=1.
    static var longOnly: ConditionTrait {
        .enabled(if: Requirement.isLong, "takes minutes; set FTSL_LONG=1")
    }
}
