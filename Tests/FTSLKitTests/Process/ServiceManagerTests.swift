import FTSLTransport
import Testing

import FTSLKit

@Suite("What a service manager says")
struct ServiceManagerTests {
    @Test("Who watches, and how often it wants to hear something")
    func watchdog() throws {
        let manager = try #require(
            ServiceManager(
                [
                    "NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "30000000",
                    "WATCHDOG_PID": "7",
                ], pid: 7))
        #expect(manager.watchdog == .seconds(30))
        let other = ServiceManager(
            ["NOTIFY_SOCKET": "@name", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"], pid: 7)
        #expect(other != nil && other?.watchdog == nil)
        #expect(ServiceManager([:], pid: 7) == nil)
        #expect(ServiceManager(["NOTIFY_SOCKET": "relative"], pid: 7) == nil)
        let long = "/" + String(repeating: "x", count: 200)
        #expect(ServiceManager(["NOTIFY_SOCKET": long], pid: 7) == nil)
    }

    @Test("A status is one line")
    func status() { #expect(ServiceManager.status("a\nREADY=1") == "STATUS=a READY=1") }

    @Test("One socket for this very process is taken; two are a mistake of the unit")
    func sockets() throws {
        #expect(try SocketActivation.count(["LISTEN_FDS": "1", "LISTEN_PID": "7"], pid: 7) == 1)
        #expect(try SocketActivation.count(["LISTEN_FDS": "1", "LISTEN_PID": "8"], pid: 7) == 0)
        #expect(try SocketActivation.count(["LISTEN_PID": "7"], pid: 7) == 0)
        #expect(throws: SocketActivation.Refused.self) {
            _ = try SocketActivation.count(["LISTEN_FDS": "2", "LISTEN_PID": "7"], pid: 7)
        }
    }
}
