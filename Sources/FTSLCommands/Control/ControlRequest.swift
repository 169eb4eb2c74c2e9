internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// One request that came over a control socket: a command and what it needs.
struct ControlRequest: Equatable {
    var command: String
    var fields: [String: JSONValue] = [:]

    /// Nil: not an object with a "command".
    init?(_ line: [UInt8]) {
        guard case .object(var fields)? = try? JSONReader.parse(line),
            case .string(let command)? = fields.removeValue(forKey: "command")
        else { return nil }
        self.command = command
        self.fields = fields
    }

    init(_ command: String, _ fields: [String: JSONValue] = [:]) {
        self.command = command
        self.fields = fields
    }

    /// The line that says it.
    var line: String {
        JSONValue.object(fields.merging(["command": .string(command)]) { $1 }).line
    }

    func text(_ key: String) -> String? {
        if case .string(let value)? = fields[key] { value } else { nil }
    }

    func number(_ key: String) -> UInt64? {
        if case .integer(let value)? = fields[key] { value } else { nil }
    }

    /// What is not said is false.
    func flag(_ key: String) -> Bool { fields[key] == .bool(true) }
}

/// The answer to one request: any number of lines, then the last one.
///
/// Whoever handles the request keeps it until `done`; a reply that nobody holds any more says that
/// itself.
final class ControlReply {
    private var client: (any ControlAsker)?
    /// Called once the client has gone away without having heard the end; what it asked for may
    /// still go on.
    var onGone: (() -> Void)? {
        didSet { client?.onGone = onGone }
    }
    /// Called once, with the end.
    var onDone: (() -> Void)?
    private let onLeft: () -> Void
    private(set) var isDone = false

    /// `onLeft` is called with the end too.
    init(to client: (any ControlAsker)?, onLeft: @escaping () -> Void = {}) {
        self.client = client
        self.onLeft = onLeft
    }

    /// Who asked is on this machine.
    var isLocal: Bool { client?.isLocal ?? true }

    /// Where the end can be said by the next program of this process; nil: the client is gone.
    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> CInt? {
        guard let channel = client?.channel else { return nil }
        return try kept.keep(socket: channel)
    }

    /// Says how it goes; nothing after `done`.
    func progress(_ fields: [String: JSONValue]) {
        guard !isDone else { return }
        client?.send(JSONValue.object(fields).line)
    }

    /// The last line: how it ended, and for anything but success a sentence.
    func done(
        _ status: ExitStatus = .success, _ fields: [String: JSONValue] = [:],
        error: String? = nil, code: FailureCode? = nil
    ) {
        guard !isDone else { return }
        var fields = fields
        fields["done"] = .bool(true)
        fields["status"] = .integer(UInt64(status.rawValue))
        if let error { fields["error"] = .string(error) }
        if let code { fields["code"] = .string(code.name) }
        progress(fields)
        isDone = true
        client?.onGone = nil
        onLeft()
        onDone?()
        onDone = nil
        client?.finish()
        client = nil
    }

    deinit { if !isDone { done(.internalError, error: "the listener forgot the request") } }
}
