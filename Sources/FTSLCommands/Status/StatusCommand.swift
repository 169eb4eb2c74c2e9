internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import FTSLStore

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Listeners, sessions, inboxes, outboxes, messages, settings.",
        discussion: """
            Without an argument: this user's listeners and outbox. With a listener: its \
            sessions and \
            what is in its inbox. With a path: what an inbox or outbox holds. With an id: what \
            became of a message.
            """)

    @OptionGroup var options: StatusOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        if options.settings {
            guard let settings = try Settings.load(needed: true) else { return }
            let rows = try SettingsTable.rows(settings, context: global.context)
            RawOutput.write(SettingsTable.text(rows, json: options.json), to: 1)
            return
        }
        do {
            try look()
        } catch {
            throw StoreFailure.ending(of: error)
        }
    }

    private func look() throws {
        let world = StatusSubject.World(
            exists: FileStatus.exists, isSocket: FileStatus.isSocket,
            isListener: RunningListener.exists,
            isMessage: { id in
                // Without an outbox nothing was ever sent.
                guard FileStatus.exists(options.outboxPath) else { return false }
                return try MessageLookup(options.outboxPath).place(of: id) != nil
            })
        switch try StatusSubject.of(options, world) {
        case .everything: try show(every: 500, everything)
        case .file(let path): try look(at: path)
        case .listener(let name): try look(atListener: name)
        case .message(let id): try look(atMessage: id)
        }
    }

    /// Once, or again and again.
    private func show(every interval: CInt, _ page: () throws -> StatusPage) throws {
        if options.watch {
            return try StatusWatch(json: options.json, interval: interval).run(page)
        }
        RawOutput.write(try page().text(json: options.json), to: 1)
    }

    private func everything() throws -> StatusPage {
        let listeners = try ListenerList(listeners: RunningListener.all()).page
        // Nothing was ever sent, and nothing waits.
        guard FileStatus.exists(options.outboxPath) else { return listeners }
        return listeners + (try MessageFile(options.outboxPath).page())
    }

    // MARK: A listener

    private func look(atListener name: String) throws {
        if let session = options.kill {
            return try end(session, "kill", "was ended", at: name)
        }
        if let session = options.expire {
            return try end(session, "expire", "was forgotten", at: name)
        }
        let first = try call(name)
        defer { first.finish() }
        // Here a listener that is restarted is found again, elsewhere the session goes on.
        try show(every: 500) { try page(first.isRemote ? first : call(name)) }
    }

    /// What is neither a listener nor anything else was perhaps meant as the id of a message.
    private func call(_ name: String) throws -> ControlCall {
        do {
            return try RunningListener.call(name, options.keys, log: Log(global))
        } catch let error as Ending {
            guard error.status == ExitStatus.unreachable.rawValue, !name.contains("/") else {
                throw error
            }
            throw Ending(
                .unreachable,
                "there is no listener '\(name)' of this user, and no message of that id in "
                    + options.outboxPath, see: "ftsl status --help")
        }
    }

    private func page(_ call: ControlCall) throws -> StatusPage {
        var sessions: [[String: JSONValue]] = []
        var last = try call.run(ControlRequest("status")) { sessions.append($0) }
        for key in ["done", "status"] { last[key] = nil }
        let page = ListenerReport(listener: last, sessions: sessions).page
        guard let inbox = last["inbox"]?.plainText else { return page }
        return page + (call.isRemote ? try inboxPage(call) : try MessageFile(inbox).page())
    }

    /// Its file is on the listener's machine.
    private func inboxPage(_ call: ControlCall) throws -> StatusPage {
        var page = StatusPage()
        try call.run(ControlRequest("inbox")) { fields in
            if let line = fields["line"] { page.lines.append(line) }
            if let row = fields["row"]?.plainText { page.table += row + "\n" }
        }
        return page
    }

    private func end(
        _ session: String, _ command: String, _ done: String, at name: String
    ) throws {
        let call = try RunningListener.call(name, options.keys, log: Log(global))
        defer { call.finish() }
        let answer = try call.run(ControlRequest(command, ["session": .string(session)]))
        if options.json { RawOutput.write(JSONValue.object(answer).line, to: 1) }
        Log(global).notice("session \(answer["session"]?.plainText ?? session) \(done)")
    }

    // MARK: Messages and files

    private func look(atMessage id: String) throws {
        let search = MessageSearch(outbox: options.outboxPath, inbox: options.inbox)
        let report = try search.report(of: id)
        RawOutput.write(
            options.json ? JSONValue.object(report.object(id: id)).line : report.text + "\n", to: 1)
        if report.state == .unknown {
            let places = options.inbox.map { "neither \(options.outboxPath) nor \($0) knows" }
            throw Ending(
                .noInput,
                places.map { "\($0) message \(id)" }
                    ?? "\(options.outboxPath) has no message \(id)")
        }
        if report.state.isBad { throw Ending(.rejected) }
    }

    private func look(at path: String) throws {
        guard FileStatus.exists(path) else {
            throw Ending(.noInput, "there is no inbox or outbox at \(path)")
        }
        let file = try MessageFile(path)
        if let name = options.dropCursor {
            guard try file.dropCursor(name) else {
                throw Ending(.noInput, "\(path) has no cursor '\(name)'")
            }
            return
        }
        if let name = options.retire {
            guard try file.retire(name) else {
                throw Ending(.noInput, "\(path) knows no '\(name)'")
            }
            return
        }
        try show(every: 200) { try file.page() }
    }
}
