internal import FTSLCore
internal import FTSLStore

/// What `ftsl status` says about an inbox.
struct InboxReport: Equatable {
    struct Producer: Equatable {
        var id: ProducerID
        var owner: String
        /// The sequence that comes next.
        var next: UInt64
        /// Outcomes that the sender has not recorded yet.
        var exceptions: Int
    }

    struct Cursor: Equatable {
        var name: String
        var isGroup: Bool
        var topics: [String]
        /// Everything below is finished.
        var floor: UInt64
        /// Messages that are not finished.
        var lag: UInt64
        /// Failed at least once, and not finished.
        var failing: Int
        var dead: Int
    }

    var path: String
    var id: InboxID
    var generation: Generation
    var messages: UInt64
    var bytes: UInt64
    /// When the oldest message was stored, in milliseconds since 1970.
    var oldest: UInt64?
    /// The index that the next message gets.
    var next: UInt64
    var producers: [Producer]
    var cursors: [Cursor]
    /// Dead letters of all cursors; `tail --dead` lists them.
    var dead: UInt64
    /// Nil: no other host has it.
    var move: InboxMove?
}

extension InboxReport {
    /// One object for the inbox, and one for each thing in it.
    var lines: [JSONValue] {
        var inbox: [String: JSONValue] = [
            "kind": .string("inbox"), "path": .string(path), "id": .string("\(id)"),
            "generation": .string("\(generation.moves).\(generation.starts)"),
            "messages": .integer(messages), "bytes": .integer(bytes),
            "oldest": oldest.map { .string(Timestamp.text(milliseconds: $0)) } ?? .null,
            "next": .integer(next), "dead": .integer(dead),
        ]
        if let move {
            inbox["moved"] = .object([
                "to": .string(move.endpoints), "moves": .integer(move.moves),
                "time": .string(Timestamp.text(milliseconds: move.at)),
            ])
        }
        return [.object(inbox)] + producers.map { .object($0.object) }
            + cursors.map { .object($0.object) }
    }

    var table: String {
        let since = oldest.map { ", the oldest of \(Timestamp.text(milliseconds: $0))" } ?? ""
        var text =
            "inbox \(path) \(id)\n"
            + "\(Numbers.count(messages, "message")), \(Numbers.bytes(bytes))\(since); "
            + "next index \(next), \(dead) dead letters\n"
        if let move {
            text += "moved to \(move.endpoints) on \(Timestamp.text(milliseconds: move.at))\n"
        }
        var producers = Table(["PRODUCER", "NEXT", "UNRECORDED", "OWNER"])
        for item in self.producers {
            producers.add(["\(item.id)", "\(item.next)", "\(item.exceptions)", item.owner])
        }
        var cursors = Table(["CURSOR", "KIND", "FLOOR", "LAG", "FAILING", "DEAD", "TOPICS"])
        for item in self.cursors {
            cursors.add([
                item.name, item.kind, "\(item.floor)", "\(item.lag)", "\(item.failing)",
                "\(item.dead)", item.topics.isEmpty ? "#" : item.topics.joined(separator: " "),
            ])
        }
        for table in [producers, cursors] where !table.isEmpty { text += "\n" + table.text }
        return text
    }
}

extension InboxReport.Producer {
    fileprivate var object: [String: JSONValue] {
        [
            "kind": .string("producer"), "producer": .string("\(id)"), "owner": .string(owner),
            "next": .integer(next), "unrecorded": .integer(UInt64(exceptions)),
        ]
    }
}

extension InboxReport.Cursor {
    fileprivate var kind: String { isGroup ? "group" : "cursor" }

    fileprivate var object: [String: JSONValue] {
        [
            "kind": .string(kind), "name": .string(name),
            "topics": .array(topics.map { .string($0) }), "floor": .integer(floor),
            "lag": .integer(lag), "failing": .integer(UInt64(failing)),
            "dead": .integer(UInt64(dead)),
        ]
    }
}
