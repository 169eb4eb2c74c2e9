internal import ArgumentParser
internal import FTSLStore

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow an inbox.",
        discussion: """
            Prints the messages of an inbox as they come. With --cursor or --group the position is \
            durable: a message that was not finished comes again, one that was does not.
            """)

    @OptionGroup var options: TailOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let log = Log(global)
        EventLoopProgram.run { loop in
            do {
                let client = try TailClient(options, global, log, on: loop)
                client.start()
            } catch {
                ProcessEnd.with(StoreFailure.ending(of: error), log)
            }
        }
    }
}
