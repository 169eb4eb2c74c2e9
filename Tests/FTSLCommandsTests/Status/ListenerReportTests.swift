import FTSLCore
import ArgumentParser
import Testing

@testable import FTSLCommands

@Suite("What status is asked about")
struct StatusSubjectTests {
    private func subject(_ arguments: [String]) throws -> StatusSubject {
        let command = try RootCommand.parseAsRoot(["status"] + arguments)
        let options = try #require(command as? StatusCommand).options
        // A folder with `box` and the socket `s.sock`, a listener `web`, a message `order`.
        return try StatusSubject.of(
            options,
            .init(
                exists: { ["box", "./box", "run/s.sock"].contains($0) },
                isSocket: { $0 == "run/s.sock" }, isListener: { ["web", "box"].contains($0) },
                isMessage: { ["order", "web"].contains($0) }))
    }

    @Test("A path comes before a listener, a listener before a message, and what is left is none")
    func order() throws {
        #expect(try subject([]) == .everything)
        #expect(try subject(["--outbox", "o"]) == .file("o"))
        #expect(try subject(["box"]) == .file("box"))
        #expect(try subject(["./none"]) == .file("./none"))
        #expect(try subject(["run/s.sock"]) == .listener("run/s.sock"))
        #expect(try subject(["web"]) == .listener("web"))
        #expect(try subject(["--outbox", "o", "web"]) == .message("web"))
        #expect(try subject(["order"]) == .message("order"))
        #expect(try subject(["nothing"]) == .listener("nothing"))
        #expect(try subject([":7000"]) == .listener(":7000"))
        let name = String(repeating: "a", count: 32) + "-7"
        #expect(try subject([name]) == .message(name))
        #expect(try subject(["box", "--kill", "ab"]) == .listener("box"))
    }

    @Test(
        "Sessions are hexadecimal, and belong to a listener",
        arguments: [
            ["--kill", "ab"], ["a", "--kill", "x"], ["a", "--kill", ""], ["a", "--expire", "g"],
            ["a", "--kill", "a", "--expire", "b"], ["a", "--kill", "a", "--watch"],
        ])
    func sessions(arguments: [String]) {
        #expect(throws: (any Error).self) {
            try RootCommand.parseAsRoot(["status"] + arguments)
        }
    }
}

@Suite("What status says of a listener")
struct ListenerReportTests {
    private let report = ListenerReport(
        listener: [
            "kind": .string("listener"), "name": .string("web"), "endpoint": .string("h:1"),
            "serves": .string("exec"), "service": .string("main"), "pid": .integer(7),
            "sessions": .integer(1), "parked": .integer(0), "tombstones": .integer(0),
            "uptime": .number(12), "draining": .bool(true),
        ],
        sessions: [
            [
                "kind": .string("session"), "session": .string("abcd"), "peer": .string("1.2.3.4"),
                "peer_key": .string("ftsl1:" + String(repeating: "k", count: 52)),
                "service": .string("exec"), "state": .string("attached"),
                "attachment": .integer(3), "received": .integer(5), "sent": .integer(6),
                "unacknowledged": .integer(2), "age": .number(1.5),
            ]
        ])

    @Test("A table has the listener, then a row for each session")
    func table() {
        let lines = report.page.table.split(separator: "\n")
        #expect(lines[0] == "listener web at h:1, exec as 'main', pid 7, up 12.0 s, draining")
        #expect(lines[1] == "1 session, 0 parked; 0 tombstones")
        #expect(lines[2].hasPrefix("SESSION"))
        for word in ["abcd", "1.2.3.4", "ftsl1:", "attached", "1.5 s"] {
            #expect(lines[3].contains(word), "\(lines[3])")
        }
        #expect(report.page.lines.count == 2)
    }

    @Test("By time alone nothing has changed")
    func substance() {
        var later = report
        later.listener["uptime"] = .number(13)
        later.sessions[0]["age"] = .number(2.5)
        #expect(later.page.substance == report.page.substance)
        later.sessions[0]["sent"] = .integer(7)
        #expect(later.page.substance != report.page.substance)
    }

    @Test("What is drawn over leaves nothing of what was there")
    func drawn() {
        #expect(StatusWatch.drawn("a\nb\n") == "\u{1B}[Ha\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
    }

    @Test("Pages follow each other with a line between them, where both say something")
    func pages() {
        let page = StatusPage(lines: [.null], table: "a\n")
        #expect((page + page).table == "a\n\na\n" && (page + page).lines.count == 2)
        #expect((page + StatusPage()).table == "a\n")
    }
}
