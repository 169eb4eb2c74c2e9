internal import ArgumentParser
internal import FTSLCore

struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Move a running listener to another host, or upgrade it in place.",
        usage: """
            ftsl migrate [options] <name> <target>
            ftsl migrate [options] <name> --status|--abort|--resolve <activate|discard>
            ftsl migrate [options] <name> --restart [<binary>]
            """,
        discussion: """
            The listener does the work: interrupting this command does not stop it, --abort does. \
            What fails before the commit point is rolled back, and the listener serves on.
            """)

    @OptionGroup var options: MigrateOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let request = try options.request()
        let log = Log(global)
        let call = try RunningListener.call(options.listener, options.keys, log: log)
        defer { call.finish() }
        let isQuestion = options.plan || options.status
        let last = try call.run(request) { fields in
            let line = MigrationLine(fields)
            if options.json {
                try show(JSONValue.object(fields).line)
            } else if isQuestion, let text = line.obstacle {
                try show(text + "\n")
            } else if let text = line.progress {
                log.notice(text, fields)
            }
        }
        try tell(MigrationLine(last), isQuestion, log)
    }

    private func tell(_ last: MigrationLine, _ isQuestion: Bool, _ log: Log) throws {
        if options.json {
            try show(JSONValue.object(last.fields).line)
        } else if isQuestion {
            try show(options.plan ? last.plan + "\n" : last.table)
        } else if options.abort {
            log.notice("rolled back; the listener serves on")
        } else if options.resolve == .discard {
            log.notice("what was prepared is dropped")
        } else if options.restart {
            log.notice(last.restarted, last.fields)
        } else {
            log.notice(last.ending("moved"), last.fields)
        }
    }

    private func show(_ text: String) throws {
        guard RawOutput.write(text, to: 1) else { throw Ending(.brokenPipe) }
    }
}
