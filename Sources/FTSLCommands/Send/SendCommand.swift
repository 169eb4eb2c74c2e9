internal import ArgumentParser
internal import FTSLStore

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "One-way messages with a delivery guarantee.",
        discussion: """
            Each message is stored in the outbox, delivered, and confirmed when the inbox has \
            stored it: exactly once, whatever dies in between. Exit status 75 means that it is \
            safe in the outbox and not delivered yet.
            """)

    @OptionGroup var options: SendOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let log = Log(global)
        EventLoopProgram.run { loop in
            do {
                if options.sendsMessages {
                    try SendClient(options, global, log, on: loop).start()
                } else {
                    try OutboxClient(options, global, log, on: loop).start()
                }
            } catch {
                ProcessEnd.with(StoreFailure.ending(of: error), log)
            }
        }
    }
}
