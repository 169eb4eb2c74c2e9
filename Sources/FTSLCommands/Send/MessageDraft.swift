internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// What is said about a message before an outbox has it.
struct MessageDraft: Equatable {
    var topic = "default"
    /// Empty: none was given.
    var id = ""
    var headers: [Envelope.Header] = []
}

/// Input that is not what it was said to be; everything before `offset` is good.
struct BadInput: Error, Equatable {
    /// Where the message begins that cannot be read, in bytes from the start of the input.
    var offset: UInt64
    var text: String

    var ending: Ending {
        Ending(.badData, "bad input at byte \(offset): \(text)", code: .malformedMessage)
    }
}

extension EnvelopeRules {
    static func complaint(_ draft: MessageDraft) -> String? {
        complaint(topic: draft.topic, id: draft.id, headers: draft.headers)
    }
}

/// A header as `-H` takes it: `NAME=VALUE`.
struct HeaderArgument: ExpressibleByArgument, Equatable {
    var header: Envelope.Header

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "=") else { return nil }
        header = Envelope.Header(
            name: String(argument[..<equals]),
            value: String(argument[argument.index(after: equals)...]))
        guard EnvelopeRules.complaint(headers: [header]) == nil else { return nil }
    }
}
