internal import FTSLCore
internal import FTSLKit

/// One question to a listener, and its answer line by line; waits no longer than a listener that
/// lives may be silent.
final class ControlCall {
    /// Several pulses of the server.
    private static let localPatience: Duration = .seconds(10)

    /// As long as a session may be without a connection.
    static let remotePatience: Duration = .seconds(60)

    private let link: ControlLink
    /// How sentences call the listener.
    let name: String
    private let remote: RemoteListener?
    private let patience: Duration

    init(_ path: String, name: String) throws(Ending) {
        self.name = name
        remote = nil
        patience = Self.localPatience
        do {
            link = try ControlLink(path)
        } catch {
            throw Self.ending(error, name)
        }
    }

    /// To a listener somewhere else, whose session `remote` carries.
    init(_ link: ControlLink, name: String, _ remote: RemoteListener) {
        self.link = link
        self.name = name
        self.remote = remote
        patience = Self.remotePatience
    }

    /// It is on another machine, or another user's.
    var isRemote: Bool { remote != nil }

    /// Nothing more will be asked.
    func finish() {
        link.finish()
        remote?.finish()
    }

    private func ending(_ lost: ControlLink.Lost) -> Ending {
        remote?.reason ?? Self.ending(lost, name)
    }

    private static func ending(_ lost: ControlLink.Lost, _ name: String) -> Ending {
        if lost.isForeign { return Ending(.noPermission, lost.text) }
        if lost.isAbsent {
            return Ending(
                .unreachable,
                "no listener '\(name)' is running here; 'ftsl status' shows those that are",
                see: "ftsl status")
        }
        return Ending(.unreachable, "the listener '\(name)': \(lost.text)")
    }

    /// Says it; `line` brings the answer.
    func ask(_ request: ControlRequest) throws(Ending) {
        do {
            try link.send(request.line, by: MonotonicClock.now + patience)
        } catch {
            throw ending(error)
        }
    }

    /// The next line of the answer.
    func line(by limit: Instant = .distantFuture) throws(Ending) -> [String: JSONValue] {
        while true {
            let bytes: [UInt8]
            do {
                bytes = try link.line(by: min(limit, MonotonicClock.now + patience))
            } catch {
                throw ending(error)
            }
            guard case .object(let fields)? = try? JSONReader.parse(bytes) else {
                throw Ending(.violation, "'\(name)' does not answer as a listener's control socket")
            }
            if fields["alive"] == nil { return fields }
        }
    }

    /// Asks, hands over each line but the last, and returns that; its status, if not 0, is thrown.
    @discardableResult
    func run(
        _ request: ControlRequest, by limit: Instant = .distantFuture,
        _ progress: ([String: JSONValue]) throws -> Void = { _ in }
    ) throws -> [String: JSONValue] {
        try ask(request)
        return try answer(by: limit, progress)
    }

    @discardableResult
    func answer(
        by limit: Instant = .distantFuture, _ progress: ([String: JSONValue]) throws -> Void
    ) throws -> [String: JSONValue] {
        while true {
            let fields = try line(by: limit)
            guard fields["done"] == .bool(true) else {
                try progress(fields)
                continue
            }
            if let ending = Self.ending(of: fields) { throw ending }
            return fields
        }
    }

    /// What the last line of an answer says; nil for success.
    static func ending(of last: [String: JSONValue]) -> Ending? {
        guard case .integer(let number)? = last["status"], number != 0 else { return nil }
        let sentence = last["error"]?.plainText
        let status = ExitStatus(rawValue: Int32(clamping: number)) ?? .internalError
        let code = last["code"]?.plainText.flatMap { name in
            FailureCode.allCases.first { $0.name == name }
        }
        return Ending(status, sentence, code: code)
    }
}
