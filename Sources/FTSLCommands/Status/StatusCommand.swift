internal import ArgumentParser

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
    }
}
