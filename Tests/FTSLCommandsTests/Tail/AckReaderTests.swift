import FTSLCore
import NIOCore
import Testing

@testable import FTSLCommands

@Suite("Indexes that a pipeline gives back")
struct AckReaderTests {
    private func read(
        _ chunks: [[UInt8]], failure: Failure? = nil
    ) -> (indexes: [UInt64], ending: Ending??) {
        let reader = AckReader(ChunkSource(chunks, failure: failure))
        var indexes: [UInt64] = []
        var ending: Ending??
        reader.onFinished = { indexes.append($0) }
        reader.onEnd = { ending = .some($0) }
        reader.start()
        return (indexes, ending)
    }

    @Test("A cut at any byte gives the same indexes")
    func cuts() {
        let input = Array("1\n22\r\n 7 \n7\n18446744073709551615".utf8)
        for cut in 1..<input.count {
            let (indexes, ending) = read([Array(input[..<cut]), Array(input[cut...])])
            #expect(indexes == [1, 22, 7, 7, .max])
            #expect(ending == .some(nil))
        }
    }

    @Test(
        "A line that is no index ends it with 65 and the number of the line",
        arguments: ["", "0", "-1", "+1", "x", "1 2", "1.0", "18446744073709551616", "{}"])
    func bad(line: String) {
        let (indexes, ending) = read([Array("1\n\(line)\n3\n".utf8)])
        #expect(indexes == [1])
        #expect(ending??.status == 65)
        #expect(ending??.sentence?.contains("line 2 ") == true)
    }

    @Test("A line without end is refused early")
    func long() {
        let (_, ending) = read([[UInt8](repeating: 0x31, count: 100)])
        #expect(ending??.status == 65)
    }

    @Test("A descriptor that cannot be read is 74")
    func unreadable() {
        let (_, ending) = read([], failure: Failure(.local, .localInputOutput, "cannot read"))
        #expect(ending??.status == 74)
    }
}
