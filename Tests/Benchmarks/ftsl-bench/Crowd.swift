import ArgumentParser
import FTSLCore
import FTSLStore
import Foundation
import NIOCore

/// What a message costs an inbox that has many producers and many cursors: an object for each size
/// of the crowd, largest last.
struct Crowd: ParsableCommand {
    @Argument(help: "A folder on the disk to measure.") var folder = "/var/tmp"
    @Option(help: "Messages, by all producers in turn.") var count = 100_000
    @Option(help: "Messages that one transaction may hold, at most.") var batch = 1_024

    /// Producers, and cursors that finish every message between them.
    private static let sizes = [(10, 1), (100, 10), (1_000, 100), (10_000, 1_000)]

    func run() throws {
        let place = folder + "/ftsl-crowd-\(getpid())"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        // Once: what a smaller crowd has left is used again by the next.
        let memory = Self.residentBytes()
        for (producers, cursors) in Self.sizes {
            let path = place + "/inbox-\(producers).db"
            try measure(path, producers, cursors, beyond: memory)
        }
    }

    private func measure(
        _ path: String, _ producers: Int, _ cursors: Int, beyond memory: Int
    ) throws {
        let answers = Answers<InboxReply>()
        var options = InboxOptions()
        options.maxChanges = batch
        let store = try InboxStore(path, options) { answers.put($0.map { ($0.id, $0.reply) }) }
        func start(_ change: InboxChange) {
            answers.start { id in store.submit([(id, .change(change))], refused: { _ in }) }
        }
        let fences = try (0..<producers).map { number in
            let opened = answers.wait { id in
                let open = InboxChange.openLane(
                    Self.producer(number), owner: "bench", .exactlyOnce, oldest: .first,
                    settledBelow: .first)
                store.submit([(id, .change(open))], refused: { _ in })
            }
            guard case .changed(.lane(let cursor, hasRoom: true)) = opened else {
                throw ValidationError("\(opened)")
            }
            return cursor.fence
        }
        for number in 0..<cursors {
            start(
                .subscribe(
                    name: "cursor-\(number)", isGroup: true, .everything, .beginning))
        }
        answers.drain()
        let storing = ProcessTime.now()
        for number in 0..<count {
            let which = number % producers
            let message = Self.message(LaneSequence(UInt64(number / producers + 1)))
            start(.messages(Self.producer(which), fences[which], [message]))
        }
        answers.drain()
        let finishing = ProcessTime.now()
        // The cursors take turns: each finishes a run from its floor on.
        let share = count / cursors
        for number in 0..<count {
            start(
                .finish(
                    cursor: "cursor-\(number % cursors)",
                    InboxIndex(UInt64(min(number / cursors, share) + 1))))
        }
        answers.drain()
        let done = ProcessTime.now()
        let used = Self.residentBytes() - min(memory, Self.residentBytes())
        store.close()
        let bytes =
            try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        let result: [String: Any] = [
            "producers": producers, "cursors": cursors, "messages": count,
            "store_us": storing.microseconds(to: finishing) / Double(count),
            "finish_us": finishing.microseconds(to: done) / Double(count),
            "memory_bytes": used, "file_bytes_per_message": Double(bytes) / Double(count),
        ]
        let json = try JSONSerialization.data(withJSONObject: result, options: .sortedKeys)
        print(String(decoding: json, as: UTF8.self))
    }

    private static func producer(_ number: Int) -> ProducerID {
        ProducerID(high: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, low: UInt64(number) + 1)
    }

    private static func message(_ sequence: LaneSequence) -> IncomingMessage {
        IncomingMessage(
            sequence: sequence, envelope: Envelope(topic: "a.b", created: 1_800_000_000_000),
            digest: BodyDigest(count: 100, digest: 7),
            body: .inline(ByteBuffer(repeating: 0x42, count: 100)))
    }

    private static func residentBytes() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
