internal import FTSLCore

/// What `ftsl status` says about an outbox.
struct OutboxReport: Equatable {
    struct Lane: Equatable {
        var destination: String
        var producer: ProducerID
        /// The inbox behind the destination, once met.
        var inbox: InboxID?
        var queued: UInt64
        /// The sequence that the next message gets.
        var next: UInt64
        /// Everything below has an outcome.
        var settled: UInt64
        var halted: FailureCode?
    }

    var path: String
    var messages: UInt64
    var bytes: UInt64
    /// When the oldest message was submitted, in milliseconds since 1970.
    var oldest: UInt64?
    var lanes: [Lane]
}

extension OutboxReport {
    var lines: [JSONValue] {
        let outbox: [String: JSONValue] = [
            "kind": .string("outbox"), "path": .string(path), "messages": .integer(messages),
            "bytes": .integer(bytes),
            "oldest": oldest.map { .string(Timestamp.text(milliseconds: $0)) } ?? .null,
        ]
        return [.object(outbox)] + lanes.map { .object($0.object) }
    }

    var table: String {
        let since = oldest.map { ", the oldest of \(Timestamp.text(milliseconds: $0))" } ?? ""
        var text =
            "outbox \(path)\n\(messages) messages wait, \(Numbers.bytes(bytes))\(since)\n"
        var table = Table(["DESTINATION", "QUEUED", "NEXT", "PRODUCER", "STATE"])
        for lane in lanes {
            table.add([
                lane.destination, "\(lane.queued)", "\(lane.next)", "\(lane.producer)",
                lane.halted.map { "halted: \($0.name)" } ?? "ready",
            ])
        }
        if !table.isEmpty { text += "\n" + table.text }
        return text
    }
}

extension OutboxReport.Lane {
    fileprivate var object: [String: JSONValue] {
        [
            "kind": .string("lane"), "destination": .string(destination),
            "producer": .string("\(producer)"),
            "inbox": inbox.map { .string("\($0)") } ?? .null, "queued": .integer(queued),
            "next": .integer(next), "settled": .integer(settled),
            "halted": halted.map { .string($0.name) } ?? .null,
        ]
    }
}
