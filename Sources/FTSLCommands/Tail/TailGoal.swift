/// Counts what is left to do until `tail` may end.
struct TailGoal {
    /// Nil: without limit.
    let count: UInt64?
    let exitAtEnd: Bool
    /// Finished for good: written, done, dead or acknowledged.
    private(set) var finished: UInt64 = 0
    /// Messages that came, each once.
    private(set) var begun: UInt64 = 0
    var isCaughtUp = false
    /// Will come again after a pause.
    private var awaited: Set<UInt64> = []

    init(count: UInt64?, exitAtEnd: Bool) {
        self.count = count
        self.exitAtEnd = exitAtEnd
    }

    mutating func begin(_ index: UInt64) {
        begun += 1
        isCaughtUp = false
        awaited.remove(index)
    }

    /// It comes again, here or at another member of the group.
    mutating func takeBack() { begun -= min(1, begun) }

    mutating func expect(_ index: UInt64) { awaited.insert(index) }

    mutating func finish() { finished += 1 }

    /// Another message would be one too many.
    var hasEnough: Bool { count.map { begun >= $0 } ?? false }

    /// Nothing more is awaited.
    var isReached: Bool {
        if let count, finished >= count { return true }
        return exitAtEnd && isCaughtUp && finished >= begun && awaited.isEmpty
    }

    /// Whether a time limit that ran out now is a failure.
    var isMissed: Bool { !isReached && (count != nil || exitAtEnd) }
}
