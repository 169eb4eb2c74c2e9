import FTSLFuzzing
import Foundation
import TestSupport
import Testing

/// Every input that was ever interesting, and fresh mutations of them.
@Suite(.computing)
struct CorpusTests {
    @Test("No input of the corpus breaks a promise", arguments: FuzzEntry.allCases)
    func corpus(entry: FuzzEntry) throws {
        let inputs = try Corpus.inputs(of: entry)
        #expect(inputs.count >= 10, "the corpus of \(entry) is not here")
        for input in inputs { expectUnbroken(entry, input.bytes, input.name) }
    }

    /// Replay with `FTSL_FUZZ_SEED`; a trap leaves the input in the file that `FTSL_FUZZ_KEEP`
    /// names.
    @Test("No random mutation of the corpus breaks a promise", arguments: FuzzEntry.allCases)
    func mutations(entry: FuzzEntry) throws {
        let environment = ProcessInfo.processInfo.environment
        let seed =
            environment["FTSL_FUZZ_SEED"].flatMap { UInt64($0) } ?? .random(in: 1..<1 << 32)
        let seconds = environment["FTSL_FUZZ_SECONDS"].flatMap { Int($0) } ?? 3
        print("\(entry): FTSL_FUZZ_SEED=\(seed) repeats these mutations")
        var mutator = Mutator(seed: seed, corpus: try Corpus.inputs(of: entry).map(\.bytes))
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        while ContinuousClock.now < end || count < 200 {
            let bytes = mutator.next()
            if let file = environment["FTSL_FUZZ_KEEP"] {
                try Data(bytes).write(to: URL(fileURLWithPath: file))
            }
            guard expectUnbroken(entry, bytes, "FTSL_FUZZ_SEED=\(seed), mutation \(count)") else {
                return
            }
            count += 1
        }
        print("\(entry): \(count) mutations")
    }

    @discardableResult
    private func expectUnbroken(_ entry: FuzzEntry, _ bytes: [UInt8], _ name: String) -> Bool {
        do {
            try entry.run(bytes)
            return true
        } catch {
            let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            Issue.record("\(entry), \(name): \(error); input \(hex.joined())")
            return false
        }
    }
}

enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Corpus")

    static func inputs(of entry: FuzzEntry) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appendingPathComponent(entry.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0))))
        }
    }
}

/// Mutations without a view of the code they reach: `make fuzz` has that, this has no needs.
struct Mutator {
    private var rng: FuzzRandom
    private let corpus: [[UInt8]]

    init(seed: UInt64, corpus: [[UInt8]]) {
        rng = FuzzRandom(seed: seed)
        self.corpus = corpus
    }

    mutating func next() -> [UInt8] {
        var bytes = corpus.randomElement(using: &rng) ?? []
        for _ in 0...Int.random(in: 0..<6, using: &rng) { mutate(&bytes) }
        return Array(bytes.prefix(4_096))
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0...bytes.count, using: &rng)
        let end = min(bytes.count, at + Int.random(in: 1...24, using: &rng))
        switch Int.random(in: 0..<6, using: &rng) {
        case 0: bytes.insert(.random(in: 0...255, using: &rng), at: at)
        case 1: bytes.removeSubrange(at..<end)
        case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 3:
            guard let other = corpus.randomElement(using: &rng), !other.isEmpty else { return }
            let from = Int.random(in: 0..<other.count, using: &rng)
            bytes.insert(contentsOf: other[from..<min(other.count, from + 48)], at: at)
        default:
            for index in at..<end where Int.random(in: 0..<4, using: &rng) == 0 {
                bytes[index] = .random(in: 0...255, using: &rng)
            }
        }
    }
}
