/// Sets of numbers as ranges: ascending, disjoint and not adjacent.
extension [ClosedRange<UInt64>] {
    /// Where a range that holds `number`, or the first one above it, is.
    private func position(of number: UInt64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func holds(_ number: UInt64) -> Bool {
        let position = position(of: number)
        return position < count && self[position].contains(number)
    }

    /// Adds a number and joins the ranges it touches; costs a binary search, and a move of what
    /// lies above when a range is made or joined.
    package mutating func insert(_ number: UInt64) {
        let at = position(of: number)
        if at < count, self[at].contains(number) { return }
        let touchesLower = at > 0 && self[at - 1].upperBound + 1 == number
        let touchesUpper = at < count && number + 1 == self[at].lowerBound
        switch (touchesLower, touchesUpper) {
        case (false, false): insert(number...number, at: at)
        case (true, false): self[at - 1] = self[at - 1].lowerBound...number
        case (false, true): self[at] = number...self[at].upperBound
        case (true, true):
            self[at - 1] = self[at - 1].lowerBound...self[at].upperBound
            remove(at: at)
        }
    }

    /// Adds whole ranges.
    package mutating func insert(all ranges: [ClosedRange<UInt64>]) {
        for range in ranges {
            if let last, last.upperBound < range.lowerBound {
                // By far the most frequent: what comes is newer than what is here.
                if last.upperBound + 1 == range.lowerBound {
                    self[count - 1] = last.lowerBound...range.upperBound
                } else {
                    append(range)
                }
            } else if isEmpty {
                append(range)
            } else {
                for number in range { insert(number) }
            }
        }
    }

    /// Removes all below `number` and says what that was.
    package mutating func take(below number: UInt64) -> [ClosedRange<UInt64>] {
        var taken = Array(prefix { $0.upperBound < number })
        removeFirst(taken.count)
        if let first, first.lowerBound < number {
            taken.append(first.lowerBound...(number - 1))
            self[0] = number...first.upperBound
        }
        return taken
    }

    /// Removes a range, or what of it is there.
    package mutating func remove(_ range: ClosedRange<UInt64>) { _ = take(range) }

    /// Removes a range and says what of it was there.
    package mutating func take(_ range: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
        var kept: [ClosedRange<UInt64>] = []
        var taken: [ClosedRange<UInt64>] = []
        let start = position(of: range.lowerBound)
        var end = start
        while end < count, self[end].lowerBound <= range.upperBound {
            let old = self[end]
            taken.append(old.clamped(to: range))
            if old.lowerBound < range.lowerBound {
                kept.append(old.lowerBound...(range.lowerBound - 1))
            }
            if old.upperBound > range.upperBound {
                kept.append((range.upperBound + 1)...old.upperBound)
            }
            end += 1
        }
        replaceSubrange(start..<end, with: kept)
        return taken
    }

    /// How many numbers there are.
    package var size: UInt64 { reduce(0) { $0 + UInt64($1.count) } }

    /// Forgets all below `number`.
    package mutating func remove(below number: UInt64) {
        removeSubrange(..<position(of: number))
        if let first, first.lowerBound < number { self[0] = number...first.upperBound }
    }
}
