internal import FoundationEssentials
internal import Glibc

/// Everything for people goes through here to stderr, a line at a time.
final class Log: @unchecked Sendable {
    enum Level: Int, Comparable {
        case error, notice, info, debug
        static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
        var name: String {
            switch self {
            case .error: "error"
            case .notice: "notice"
            case .info: "info"
            case .debug: "debug"
            }
        }
    }

    let threshold: Level
    let format: LogFormat
    /// Called before each line, so that a meter can make room for it.
    var beforeLine: (() -> Void)?
    /// Takes lines in the place of stderr, whose terminal somebody else writes to.
    var printer: ((String) -> Void)?
    /// Lines that wait while the terminal is somebody else's; nil: they are written at once.
    private var held: [String]?
    /// Older ones are left out, and counted.
    private var leftOut = 0
    private static let mostHeld = 100

    init(threshold: Level, format: LogFormat) {
        self.threshold = threshold
        self.format = format
    }

    convenience init(_ options: GlobalOptions) {
        let level: Level =
            options.quiet
            ? .error : options.verbose >= 2 ? .debug : options.verbose == 1 ? .info : .notice
        self.init(threshold: level, format: options.logFormat)
    }

    func error(_ text: String, _ fields: [String: JSONValue] = [:]) { write(.error, text, fields) }
    /// An ending's sentence and where to read on; nothing for a quiet one.
    func error(_ ending: Ending) {
        guard let sentence = ending.sentence else { return }
        var fields: [String: JSONValue] = ["status": .integer(UInt64(ending.status))]
        if let code = ending.code { fields["code"] = .string(code.name) }
        guard format == .text, let more = ending.see else {
            error(sentence, fields)
            return
        }
        error("\(sentence) (see: \(more))")
    }

    func notice(_ text: String, _ fields: [String: JSONValue] = [:]) {
        write(.notice, text, fields)
    }
    func info(_ text: String, _ fields: [String: JSONValue] = [:]) { write(.info, text, fields) }
    /// Text that is no line of the log, with room made for it.
    func raw(_ text: String) {
        tell(text)
    }

    func debug(_ text: String, _ fields: [String: JSONValue] = [:]) { write(.debug, text, fields) }

    private func write(_ level: Level, _ text: String, _ fields: [String: JSONValue]) {
        guard level <= threshold else { return }
        tell(line(level, text, fields))
    }

    private func tell(_ text: String) {
        guard held == nil else {
            held?.append(text)
            if let count = held?.count, count > Self.mostHeld {
                held?.removeFirst()
                leftOut += 1
            }
            return
        }
        if let printer { return printer(text) }
        beforeLine?()
        StandardError.write(text)
    }

    /// Keeps lines until `release`.
    func hold() { held = held ?? [] }

    func release() {
        let lines = held ?? []
        held = nil
        if leftOut > 0 { notice("\(Numbers.count(UInt64(leftOut), "earlier line")) left out") }
        leftOut = 0
        for line in lines { tell(line) }
    }

    /// Text may be a peer's: what moves a cursor or turns a line around is shown, not done.
    /// [FTSL §3]
    static func harmless(_ text: String) -> String {
        func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
        }
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        return text.unicodeScalars.map { scalar in
            isHarmful(scalar) ? "<U+\(String(scalar.value, radix: 16))>" : String(scalar)
        }.joined()
    }

    func line(_ level: Level, _ text: String, _ fields: [String: JSONValue]) -> String {
        guard format == .json else { return "ftsl: \(Self.harmless(text))\n" }
        var object = fields
        object["level"] = .string(level.name)
        object["message"] = .string(text)
        object["time"] = .number(Date().timeIntervalSince1970)
        return JSONValue.object(object).line
    }
}

/// Unbuffered writing to descriptor 2; a failure there has nowhere to be told.
enum StandardError {
    static func write(_ text: String) { RawOutput.write(text, to: 2) }
    static var isTerminal: Bool { isatty(2) == 1 }
}

enum RawOutput {
    /// Writes the whole text; false when the descriptor does not take it.
    @discardableResult
    static func write(_ text: String, to descriptor: CInt) -> Bool {
        write(Array(text.utf8), to: descriptor)
    }

    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes.removeFirst(count)
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: descriptor, events: CShort(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, 1000)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
