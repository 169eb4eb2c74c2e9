internal import FTSLCore

/// What a command of `--exec` learns about its message.
enum ExecEnvironment {
    static func variables(for message: TailMessage) -> [String: String] {
        var variables = [
            "FTSL_MESSAGE_ID": message.id, "FTSL_TOPIC": message.envelope.topic,
            "FTSL_INDEX": "\(message.index)", "FTSL_PRODUCER": "\(message.producer)",
            "FTSL_SEQUENCE": "\(message.sequence)", "FTSL_ATTEMPT": "\(message.attempt)",
        ]
        for header in message.envelope.headers {
            variables["FTSL_HEADER_" + shellName(header.name)] = header.value
        }
        // A sender's bytes cannot end a variable early.
        return variables.mapValues { String($0.prefix { $0 != "\0" }) }
    }

    /// Capitals, digits and underscores: what a shell takes for the name of a variable.
    static func shellName(_ name: String) -> String {
        String(
            decoding: name.utf8.map { byte -> UInt8 in
                switch byte {
                case 0x61...0x7A: byte - 0x20
                case 0x41...0x5A, 0x30...0x39: byte
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
    }
}

/// How a command of `--exec` ended.
enum ExecEnd: Equatable {
    case status(UInt8)
    case signal(UInt8)
    case timedOut(Duration)
    /// There was no command.
    case notStarted(String)
}

/// What follows from it for the message.
enum ExecVerdict: Equatable {
    case done
    case retry(after: Duration)
    case dead(String)
}

struct ExecPolicy {
    /// EX_TEMPFAIL: the message is not to blame.
    static let temporary: UInt8 = 75
    static let firstPause: Duration = .milliseconds(200)
    static let longestPause: Duration = .seconds(30)

    var maxAttempts: UInt32

    /// - Parameters:
    ///   - attempt: from 1.
    ///   - temporary: attempts before this one for which nobody blamed the message.
    ///   - lastLine: what the command said last on stderr.
    func verdict(
        _ end: ExecEnd, attempt: UInt32, temporary: UInt32, lastLine: String
    ) -> ExecVerdict {
        let pause = Self.pause(after: attempt)
        switch end {
        case .status(0): return .done
        case .status(Self.temporary), .notStarted: return .retry(after: pause)
        case .status, .signal, .timedOut:
            let failures = attempt - min(temporary, attempt)
            guard failures >= maxAttempts else { return .retry(after: pause) }
            return .dead(Self.reason(end, lastLine))
        }
    }

    static func pause(after attempt: UInt32) -> Duration {
        let doublings = min(attempt > 0 ? attempt - 1 : 0, 16)
        return min(firstPause * (1 << doublings), longestPause)
    }

    static func reason(_ end: ExecEnd, _ lastLine: String) -> String {
        let what =
            switch end {
            case .status(let value): "exit status \(value)"
            case .signal(let number): "signal \(number)"
            case .timedOut(let limit): "no end within \(TimeSpan(limit))"
            case .notStarted(let text): text
            }
        // The reason travels in one field of 255 bytes.
        var text = lastLine.isEmpty ? what : "\(what): \(lastLine)"
        while text.utf8.count > 255 { text.removeLast() }
        return text
    }
}
