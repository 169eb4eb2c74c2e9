import FTSLTransport
import Testing

@Suite("Many connections at once")
struct CrowdTests {
    @Test("The first connections read half a megabyte at a time, ten thousand share what is there")
    func sizes() {
        #expect(Crowd.bufferSize(for: 1) == Crowd.largest)
        #expect(Crowd.bufferSize(for: 64) == Crowd.largest)
        #expect(Crowd.bufferSize(for: 65) < Crowd.largest)
        #expect(Crowd.bufferSize(for: 1_000) == Crowd.memory / Crowd.kept / 1_000)
        #expect(Crowd.bufferSize(for: 100_000) == Crowd.smallest)
        let all = (1...16_384).reduce(0) { $0 + Crowd.kept * Crowd.bufferSize(for: $1) }
        #expect(all < 2 << 30, "\(all) bytes when each came before the next and filled its buffers")
    }

    @Test("Only a shortage of descriptors or memory makes a listener pause", arguments: 1...133)
    func shortages(code: CInt) {
        // ENOMEM, ENFILE, EMFILE, ENOBUFS
        #expect(AcceptPause.isShortage(code) == [12, 23, 24, 105].contains(code))
    }
}
