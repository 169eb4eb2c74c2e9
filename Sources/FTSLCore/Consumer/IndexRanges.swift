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

    /// Forgets all below `number`.
    package mutating func remove(below number: UInt64) {
        removeSubrange(..<position(of: number))
        if let first, first.lowerBound < number { self[0] = number...first.upperBound }
    }
}
