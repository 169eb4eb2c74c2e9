/// Finds what somebody probably meant.
enum NearestName {
    /// The candidate with the fewest edits from `name`, if it is close enough to be a slip.
    static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(1, name.count / 3)
        var best: (name: String, edits: Int)?
        for candidate in candidates {
            let edits = distance(Array(name.utf8), Array(candidate.utf8))
            if edits <= limit, edits < best?.edits ?? Int.max { best = (candidate, edits) }
        }
        return best?.name
    }

    /// ` (did you mean 'x'?)`, or nothing.
    static func hint(_ name: String, among candidates: some Sequence<String>) -> String {
        of(name, among: candidates).map { " (did you mean '\($0)'?)" } ?? ""
    }

    /// Insertions, deletions, substitutions, and swaps of neighbours.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var before = [Int]()
        var above = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                let same = a[i] == b[j]
                var cost = min(above[j] + (same ? 0 : 1), above[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, before[j - 1] + 1)
                }
                row.append(cost)
            }
            before = above
            above = row
        }
        return above[b.count]
    }
}
