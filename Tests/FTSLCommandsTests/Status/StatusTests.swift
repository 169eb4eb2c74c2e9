import ArgumentParser
import FTSLCore
import FTSLStore
import Testing

@testable import FTSLCommands

@Suite("Options of status")
struct StatusOptionsTests {
    private func options(_ arguments: [String]) throws -> StatusOptions {
        let command = try RootCommand.parseAsRoot(["status"] + arguments)
        return try #require(command as? StatusCommand).options
    }

    @Test(
        "What cannot go together is refused",
        arguments: [
            ["--retire", "x"], ["--drop-cursor", "x"], ["id", "--retire", "x"],
            ["./x", "--retire", "x", "--drop-cursor", "y"], ["./x", "--watch", "--retire", "x"],
            ["./x", "--settings"], ["./x", "--drop-cursor", ""], ["--inbox", "x"],
            ["id", "--inbox", "x", "--watch"],
        ])
    func contradictions(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try options(arguments) }
        if let error { #expect(RootCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test("Without a path it is an id, and without anything this user's outbox")
    func subjects() throws {
        #expect(try options(["order-1"]).place == .endpoint("order-1"))
        #expect(try options(["./box.db"]).place == .path("./box.db"))
        #expect(try options([]).place == nil)
    }
}

@Suite("What status says")
struct ReportTests {
    private let inbox = InboxReport(
        path: "/in.db", id: InboxID(high: 0, low: 5), generation: .first, messages: 3, bytes: 4096,
        oldest: 1_000, next: 9,
        producers: [.init(id: ProducerID(high: 0, low: 1), owner: "plain", next: 4, exceptions: 1)],
        cursors: [
            .init(
                name: "c", isGroup: true, topics: ["a.#"], floor: 5, lag: 2, failing: 1, dead: 1)
        ],
        dead: 1)

    /// Every string and number in a value, as it would stand in a table.
    private func words(_ value: JSONValue) -> [String] {
        switch value {
        case .object(let members): members.values.flatMap(words)
        case .array(let values): values.flatMap(words)
        default: value.plainText.map { [$0] } ?? []
        }
    }

    @Test("JSON never holds less than the table")
    func inboxes() {
        let words = Set(inbox.lines.flatMap(words))
        for word in ["/in.db", "3", "4096", "9", "plain", "c", "a.#", "5"] {
            #expect(words.contains(word), "\(word)")
        }
        let lines = inbox.table.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first?.hasPrefix("inbox /in.db ") == true)
        #expect(
            lines[1]
                == "3 messages, 4.00 KiB, the oldest of 1970-01-01T00:00:01.000Z; "
                + "next index 9, 1 dead letters"
        )
        #expect(lines.contains("c       group  5      2    1        1     a.#"), "\(inbox.table)")
    }

    @Test("A lane that is halted says why, in both forms")
    func outboxes() {
        let outbox = OutboxReport(
            path: "/out.db", messages: 1, bytes: 10, oldest: nil,
            lanes: [
                .init(
                    destination: "h:1", producer: ProducerID(high: 0, low: 1), inbox: nil,
                    queued: 1, next: 2, settled: 1, halted: .historyLost)
            ])
        #expect(outbox.table.contains("halted: history-lost"))
        #expect(outbox.lines[1].line.contains(#""halted":"history-lost""#))
        #expect(outbox.lines.map(\.line).allSatisfy { $0.filter { $0 == "\n" }.count == 1 })
    }

    @Test("A table's columns are aligned, and a peer's words cannot move the cursor")
    func tables() {
        var table = Table(["A", "B"])
        table.add(["long", "x"])
        table.add(["s", "\u{1B}[2J"])
        #expect(table.text == "A     B\nlong  x\ns     <U+1b>[2J\n")
        #expect(Table(["A"]).text == "")
    }

    @Test("Every setting is there, with its source")
    func settings() throws {
        let fixture = try SettingsFixture(
            #"{"defaults": {"linger": "1s"}}"#, ["FTSL_BUFFER": "4M"])
        let rows = try SettingsTable.rows(fixture.settings, context: nil)
        let buffer = try #require(
            rows.first { $0.command == "connect" && $0.setting.option.key == "buffer" })
        #expect(buffer.json["value"] == .string("4M"))
        #expect(buffer.json["source"] == .string("FTSL_BUFFER"))
        let text = SettingsTable.text(rows, json: false)
        #expect(text.contains("/c.json: defaults.linger"))
        #expect(SettingsTable.text(rows, json: true).split(separator: "\n").count == rows.count)
        #expect(rows.contains { $0.command == "key trust" })
    }
}

@Suite("States of messages")
struct MessageStateTests {
    @Test(
        "An outcome has its name and reason",
        arguments: [
            (MessageOutcome.queued, "queued", FailureCode?.none), (.sent, "sent", nil),
            (.accepted, "accepted", nil),
            (.resolved(.rejected(.idReused)), "rejected", .idReused),
            (.resolved(.skipped(.expired)), "expired", .messageExpired),
            (.resolved(.skipped(.cancelled)), "cancelled", .messageCancelled),
            (.resolved(.duplicate(of: InboxIndex(3))), "duplicate", nil),
        ])
    func names(outcome: MessageOutcome, name: String, code: FailureCode?) {
        let state = MessageState(outcome)
        #expect(state.name == name)
        #expect(state.code == code)
        #expect(state.object(id: "x")["state"] == .string(name))
    }

    @Test(
        "An inbox knows more of a message than its sender",
        arguments: [
            (InboxFate.accepted(InboxIndex(2)), MessageState.accepted),
            (.processed(InboxIndex(2)), .processed), (.gone, .processed),
            (.resolved(.rejected(.idReused)), .rejected(.idReused)),
        ])
    func fates(fate: InboxFate, state: MessageState) {
        #expect(MessageReport(fate, accepted: true).state == state)
    }

    @Test("A dead letter says who gave up on it, when, and why, without moving the cursor")
    func deadLetters() {
        let letter = DeadLetter(
            cursor: "work", index: InboxIndex(7), attempts: 5, reason: "status 3\u{1B}", died: 0)
        let report = MessageReport(.dead(letter), accepted: true)
        #expect(report.text == "dead: status 3<U+1b> (work, 5 attempts)")
        let object = report.object(id: "x")
        #expect(object["state"] == .string("dead") && object["index"] == .integer(7))
        #expect(object["cursor"] == .string("work") && object["attempts"] == .integer(5))
        #expect(MessageReport(.gone, accepted: false).state == .unknown)
    }
}
