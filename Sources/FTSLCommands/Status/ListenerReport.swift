internal import FTSLCore

/// What `ftsl status` says about a listener and its sessions, from what the listener said itself.
struct ListenerReport: Equatable {
    var listener: [String: JSONValue]
    var sessions: [[String: JSONValue]]

    var page: StatusPage {
        let sum = Self.summary(of: listener)
        var table = Table([
            "SESSION", "PEER", "KEY", "SERVICE", "STATE", "ATTACHMENT", "RECEIVED", "SENT",
            "UNACKNOWLEDGED", "AGE",
        ])
        for session in sessions {
            table.add(
                ["session", "peer"].map { session.word($0) }
                    + [Self.short(session.word("peer_key"))]
                    + ["service", "state", "attachment", "received", "sent", "unacknowledged"]
                    .map { session.word($0) } + [Self.span(session["age"])])
        }
        let text = table.isEmpty ? sum : sum + "\n" + table.text
        return StatusPage(lines: ([listener] + sessions).map { .object($0) }, table: text)
    }

    /// A fingerprint is longer than all the rest; its beginning tells keys apart.
    private static func short(_ key: String) -> String {
        key.count > 20 ? key.prefix(18) + "…" : key
    }

    private static func summary(of listener: [String: JSONValue]) -> String {
        let draining = listener["draining"] == .bool(true) ? ", draining" : ""
        return Log.harmless(
            "listener \(listener.word("name")) at \(listener.word("endpoint")), "
                + "\(listener.word("serves")) as '\(listener.word("service"))', pid "
                + "\(listener.word("pid")), up \(span(listener["uptime"]))\(draining)") + "\n"
            + "\(count(listener, "sessions", "session")), \(listener.word("parked")) parked; "
            + "\(count(listener, "tombstones", "tombstone"))\n"
    }

    private static func count(
        _ listener: [String: JSONValue], _ key: String, _ noun: String
    ) -> String {
        guard case .integer(let number)? = listener[key] else { return "? \(noun)s" }
        return Numbers.count(number, noun)
    }

    static func span(_ value: JSONValue?) -> String {
        switch value {
        case .number(let seconds): Numbers.seconds(seconds)
        case .integer(let seconds): Numbers.seconds(Double(seconds))
        default: "-"
        }
    }
}

/// All listeners of a user.
struct ListenerList {
    var listeners: [RunningListener.Found]

    var page: StatusPage {
        var table = Table([
            "NAME", "ENDPOINT", "SERVES", "SERVICE", "SESSIONS", "PARKED", "UPTIME", "PID", "INBOX",
        ])
        var lines: [JSONValue] = []
        for found in listeners {
            switch found.answer {
            case .success(let fields):
                lines.append(.object(fields))
                table.add(
                    ["name", "endpoint", "serves", "service", "sessions", "parked"].map {
                        fields.word($0)
                    } + [ListenerReport.span(fields["uptime"]), fields.word("pid")]
                        + [fields.word("inbox")])
            case .failure(let ending):
                let reason = ending.sentence ?? ""
                lines.append(
                    .object([
                        "kind": .string("listener"), "name": .string(found.name),
                        "error": .string(reason),
                    ]))
                table.add([found.name, "?"] + Array(repeating: "-", count: 6) + [reason])
            }
        }
        return StatusPage(lines: lines, table: table.text)
    }
}

extension [String: JSONValue] {
    /// As it stands in a table.
    fileprivate func word(_ key: String) -> String { self[key]?.plainText ?? "-" }
}
