import FTSLCore
import FTSLKit
import FTSLTransport
import Testing

/// What is said while the connection breaks.
struct LastWordsTests {
    /// The write fails at once then, and the connection is closed before it is let go of.
    @Test("A connection that breaks under the last word is not waited for")
    func brokenUnderLastWord() throws {
        let host = try Host()
        let cable = try Cable(to: host.port)
        var configuration = InitiatorConfiguration()
        configuration.retryFirst = true
        let driver = try host.loop.run {
            let driver = InitiatorDriver(
                endpoints: [.tcp(host: "127.0.0.1", port: cable.port)],
                configuration: configuration, on: host.loop.loop)
            driver.onOpened = { Plumbing($0) }
            driver.start()
            return driver
        }
        let carried = Carried(driver)
        try cable.carry { try host.loop.run { carried.value.initiator.connection == nil } }
        let isQuiet = Carried(Flag())
        try host.loop.run {
            // In one turn of the loop, which hears of neither before the word is said.
            cable.cut()
            carried.value.giveUp(Failure(.local, .shuttingDown, "enough"))
            carried.value.whenQuiet { isQuiet.value.isSet = true }
        }
        try host.loop.expect("nothing is waited for") { isQuiet.value.isSet }
    }

    private final class Flag { var isSet = false }
}
