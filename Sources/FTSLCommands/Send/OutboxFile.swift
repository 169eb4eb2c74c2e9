internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import Glibc
internal import NIOCore

/// The outbox that the options name.
enum OutboxFile {
    static func open(_ options: SendOptions, on loop: any EventLoop) throws -> Outbox {
        if options.outbox == nil { try makeFolder() }
        return try Outbox(options.outboxPath, on: loop)
    }

    /// This user's state folder, with those above it.
    private static func makeFolder() throws(Ending) {
        let path = StateFolder.ofThisUser
        for (index, character) in path.enumerated() where character == "/" && index > 0 {
            _ = mkdir(String(path.prefix(index)), 0o700)
        }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            let reason = String(cString: strerror(errno)).lowercased()
            throw Ending(.cannotCreate, "cannot make \(path): \(reason)")
        }
    }
}

extension FailureCode {
    /// Trying again later may help: nothing is wrong with the message or with trust.
    var mayPass: Bool {
        switch exitStatus {
        case .unreachable, .timeLimit, .hostUnknown, .incomplete, .sessionGone: true
        default: false
        }
    }
}
