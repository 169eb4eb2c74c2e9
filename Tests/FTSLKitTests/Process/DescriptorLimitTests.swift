import FTSLCore
import Testing

import FTSLKit

struct DescriptorLimitTests {
    @Test(
        "Strangers, those on their way out, and sessions together fit into the descriptors",
        arguments: [64, 256, 1_024, 20_000, 1_048_576], [1, 2, 6])
    func fit(descriptors: Int, perSession: Int) {
        var configuration = AcceptorConfiguration()
        configuration.fit(descriptors: descriptors, perSession: perSession)
        let strangers = configuration.maxUnprovenConnections
        let sessions = configuration.maxSessions
        #expect(strangers >= 2 && sessions >= 1)
        #expect(strangers <= 1_024 && sessions <= 16_384)
        #expect(configuration.maxSessionsPerSource <= sessions)
        if descriptors >= 256 {
            #expect(2 * strangers + sessions * perSession <= descriptors - 64)
        }
    }

    @Test("With descriptors to spare the bounds stay as they were asked for")
    func plenty() {
        var configuration = AcceptorConfiguration()
        configuration.maxSessions = 100
        configuration.maxUnprovenConnections = 50
        configuration.fit(descriptors: 1_000, perSession: 6)
        #expect(configuration.maxSessions == 100 && configuration.maxUnprovenConnections == 50)
    }
}
