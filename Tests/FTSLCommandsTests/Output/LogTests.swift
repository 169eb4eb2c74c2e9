import ArgumentParser
import Testing

@testable import FTSLCommands

@Suite("The log")
struct LogTests {
    @Test("Text is one line that begins with the program's name")
    func text() {
        let log = Log(threshold: .notice, format: .text)
        #expect(
            log.line(.notice, "listening on 127.0.0.1:1", [:]) == "ftsl: listening on 127.0.0.1:1\n"
        )
    }

    @Test("What a peer says cannot move the cursor or begin a line [FTSL §3]")
    func harmless() {
        let log = Log(threshold: .notice, format: .text)
        let line = log.line(.notice, "a\u{1B}[2Jb\nftsl: c\u{202E}d\u{9B}é😀", [:])
        #expect(line == "ftsl: a<U+1b>[2Jb<U+a>ftsl: c<U+202e>d<U+9b>é😀\n")
    }

    @Test("JSON has level, message, time and the fields, one object a line")
    func json() throws {
        let log = Log(threshold: .notice, format: .json)
        let line = log.line(.error, "a\nb", ["status": .integer(69)])
        #expect(line.last == "\n" && line.dropLast().allSatisfy { $0 != "\n" })
        guard case .object(let object) = try JSONReader.parse(Array(line.utf8)) else {
            Issue.record("not an object")
            return
        }
        #expect(object["level"] == .string("error"))
        #expect(object["message"] == .string("a\nb"))
        #expect(object["status"] == .integer(69))
        #expect(object["time"] != nil)
        #expect(object.count == 4)
    }

    @Test("-q leaves only errors, each -v adds a level")
    func levels() throws {
        let levels: [([String], Log.Level)] = [
            ([], .notice), (["-q"], .error), (["-v"], .info), (["-vv"], .debug),
        ]
        for (arguments, threshold) in levels {
            #expect(Log(try GlobalOptions.parse(arguments)).threshold == threshold)
        }
        #expect(Log.Level.error < .notice && .notice < .info && .info < .debug)
    }
}
