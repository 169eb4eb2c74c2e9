import Foundation
import Testing

@Suite("Power cuts", .needs("cc", "/usr/bin/python3"), .onStage(weight: 3))
struct MessagePowerCutTests {
    /// What comes before a command whose writes in `folder` are to be recorded.
    private func recorder(_ folder: String, pretending suffix: String?) throws -> [String] {
        let library = try stage.path("record.so")
        if !FileManager.default.fileExists(atPath: library) {
            let source = "\(Tool.tests)/PowerCut/record.c"
            try stage.run(
                "cc", ["-shared", "-fPIC", "-O2", "-Wall", "-o", library, source, "-ldl"])
        }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let pretence = suffix.map { ["POWERCUT_PRETEND=\($0)"] } ?? []
        return ["env", "POWERCUT_FOLDER=\(folder)", "POWERCUT_TRACE=\(folder)-trace"] + pretence
            + ["LD_PRELOAD=\(library)"]
    }

    /// A listener that takes messages through a relay that cuts; its recorded trace.
    private func listener(pretending suffix: String? = nil) throws -> String {
        let folder = try stage.path("inbox")
        let listener = try stage.listen(
            ["-q", "--inbox", "\(folder)/inbox.db"],
            under: recorder(folder, pretending: suffix))
        let relay = try stage.relay(to: listener)
        let cuts = try stage.keepCutting(relay, every: 5_000)
        for round in 0..<5 {
            let lines = (round * 200)..<(round + 1) * 200
            try expectStatus(
                0, stage.send(["-q", "--timeout", "60s", relay.endpoint], lines: lines))
        }
        #expect(cuts.current > 0)
        listener.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, listener.program)
        return "\(folder)-trace"
    }

    /// Five processes that put messages into an outbox; their trace.
    private func senders(pretending suffix: String? = nil) throws -> String {
        let folder = try stage.path("outbox")
        let wrapper = try recorder(folder, pretending: suffix)
        for number in 0..<5 {
            let program = try stage.send(
                [
                    "-q", "-l", "--outbox", "\(folder)/outbox.db", "--wait", "stored",
                    "--print-id", "127.0.0.1:9",
                ], input: Data((0..<40).map { "\(number) \($0)\n" }.joined().utf8), under: wrapper)
            try expectStatus(0, program)
        }
        return "\(folder)-trace"
    }

    private func replay(
        _ trace: String, _ options: [String] = [], cuts: String = "40"
    ) throws -> (Bool, String) {
        let result = try stage.python(
            "PowerCut/replay.py", [Tool.path, trace, "--cuts", cuts] + options, .seconds(180))
        return (result.status == .status(0), result.output + result.errors)
    }

    @Test("After a cut at any moment the inbox has every message that was acknowledged")
    func inbox() throws {
        let (holds, text) = try replay(listener())
        #expect(holds, "\(text)")
        print("power cuts: \(text)")
    }

    @Test("After a cut at any moment the outbox has every message whose id was printed")
    func outbox() throws {
        let (holds, text) = try replay(senders(), ["--outbox"])
        #expect(holds, "\(text)")
    }

    @Test("The check finds syncs that do nothing")
    func mutants() throws {
        let (inboxHolds, inboxText) = try replay(
            listener(pretending: "-wal"), cuts: "1000")
        #expect(!inboxHolds && Self.isLoss(inboxText), "\(inboxText)")
        let (outboxHolds, outboxText) = try replay(
            senders(pretending: "-wal"), ["--outbox"], cuts: "1000")
        #expect(!outboxHolds && Self.isLoss(outboxText), "\(outboxText)")
    }

    /// Messages are missing, or the file is torn: what a sync that does nothing leads to.
    private static func isLoss(_ text: String) -> Bool {
        text.contains("were acknowledged") || text.contains("malformed")
    }
}

@Suite("System calls of a listener", .needs("strace"), .onStage(weight: 2))
struct MessageSyncTests {
    /// One direction of a connection, as strace shows it.
    fileprivate struct Wire {
        private var bytes: [UInt8] = []

        init(preface bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes.dropFirst(8)) }

        /// The `next` of each ACCEPTED that is now complete.
        mutating func add(_ more: [UInt8]) -> [UInt64] {
            bytes += more
            var found: [UInt64] = []
            while bytes.count >= 5 {
                let length = Int(Self.number(bytes[0..<4]))
                guard bytes.count >= 4 + length else { break }
                if bytes[4] == 0x23, length >= 9 { found.append(Self.number(bytes[5..<13])) }
                bytes.removeFirst(4 + length)
            }
            return found
        }

        private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
            bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private static func bytes(_ line: Substring) -> [UInt8] {
        line.matches(of: /(?:\\x[0-9a-f]{2})+/).flatMap { match in
            match.output.split(separator: "\\x").compactMap { UInt8($0, radix: 16) }
        }
    }

    @Test("Before each ACCEPTED there is an fdatasync that ended")
    func syncFirst() throws {
        let trace = try stage.path("trace")
        let listener = try stage.listenForMessages(
            under: [
                "strace", "-f", "-qq", "-xx", "-s", "65536", "-o", trace,
                "-e", "trace=fdatasync,fsync,write,writev,sendmsg,sendto",
            ])
        for number in 0..<10 {
            try expectStatus(0, stage.send([listener.endpoint, "message \(number)"]))
        }
        // strace passes no signal on: the listener itself is ended, and strace with it.
        try stage.run("pkill", ["-TERM", "-P", "\(listener.program.pid)"])
        _ = try listener.program.wait()
        var wires: [Substring: Wire] = [:]
        var syncs = 0
        var highest: UInt64 = 1
        var accepted = 0
        for line in try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n") {
            if line.contains("sync(") || line.contains("sync resumed") {
                if line.hasSuffix("= 0") { syncs += 1 }
                continue
            }
            guard let match = line.firstMatch(of: /(?:write|writev|sendmsg|sendto)\((\d+)/) else {
                continue
            }
            let bytes = Self.bytes(line)
            var more = bytes
            if bytes.starts(with: Wire.signature) {
                wires[match.output.1] = Wire(preface: bytes[...])
                more = []
            }
            for next in wires[match.output.1]?.add(more) ?? [] where next > highest {
                #expect(syncs > 0, "ACCEPTED below \(next) left without a sync")
                (highest, syncs) = (next, 0)
                accepted += 1
            }
        }
        #expect(accepted == 10)
    }
}

extension MessageSyncTests.Wire {
    fileprivate static let signature = Array("FTSL\r\n\u{1A}\n".utf8)
}
