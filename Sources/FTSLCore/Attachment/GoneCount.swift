/// Counts who said "gone", because one answer proves nothing: it needs no secret. [FTSL §4.4]
struct GoneCount {
    private var pass: Set<Int> = []
    private var firstPass: Instant?

    /// True when "gone" is final.
    mutating func hear(
        from endpoint: Int, of count: Int, isCertain: Bool, now: Instant
    ) -> Bool {
        pass.insert(endpoint)
        guard pass.count == count else { return false }
        pass = []
        if isCertain { return true }
        guard let firstPass else {
            self.firstPass = now
            return false
        }
        return now.since(firstPass) >= Bound.goneConfirmation
    }

    /// Something other than "gone" was met: the pass counts for nothing.
    mutating func interrupt() {
        pass = []
        firstPass = nil
    }
}
