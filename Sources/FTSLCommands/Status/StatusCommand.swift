internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import Glibc
internal import NIOCore

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Inboxes, outboxes, messages, settings.",
        discussion: """
            With a path: what an inbox or outbox holds. With an id: what became of a message.
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
        guard case .endpoint(let id)? = options.place else {
            let path = options.subject ?? options.outboxPath
            guard FileStatus.exists(path) else {
                // Nothing was ever sent, and nothing waits.
                if options.subject == nil { return }
                throw Ending(.noInput, "there is no inbox or outbox at \(path)")
            }
            return try look(at: path)
        }
        let state = try MessageLookup(options.outboxPath).state(of: id)
        RawOutput.write(
            options.json ? JSONValue.object(state.object(id: id)).line : state.text + "\n", to: 1)
        if state == .unknown {
            throw Ending(.noInput, "\(options.outboxPath) has no message \(id)")
        }
        if state.isBad { throw Ending(.rejected) }
    }

    private func look(at path: String) throws {
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
        guard options.watch else {
            RawOutput.write(try file.text(json: options.json), to: 1)
            return
        }
        try watch(file)
    }

    /// Until a signal, or until nobody reads it any more.
    private func watch(_ file: MessageFile) throws {
        var before = ""
        while true {
            let text = try file.text(json: options.json)
            if text != before {
                let clear = !options.json && isatty(1) == 1 ? "\u{1B}[H\u{1B}[2J" : ""
                guard RawOutput.write(clear + text, to: 1) else { throw Ending(.brokenPipe) }
                before = text
            }
            var polled = pollfd(fd: 1, events: 0, revents: 0)
            _ = poll(&polled, 1, 200)
            if polled.revents & CShort(POLLERR) != 0 { throw Ending(.brokenPipe) }
        }
    }
}
