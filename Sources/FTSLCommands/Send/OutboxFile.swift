internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import NIOCore

/// The outbox that the options name.
enum OutboxFile {
    static func open(_ options: SendOptions, on loop: any EventLoop) throws -> Outbox {
        if options.outbox == nil { try StateFolder.make() }
        return try Outbox(options.outboxPath, on: loop)
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
