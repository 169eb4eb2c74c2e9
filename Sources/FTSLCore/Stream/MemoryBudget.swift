/// The process's share-out of receive windows: Σ(granted) stays under a cap. [FTSL §5.3]
package struct MemoryBudget: Sendable {
    package let capacity: UInt64
    package private(set) var reserved: UInt64 = 0

    package init(capacity: UInt64) { self.capacity = capacity }

    /// False, and nothing changed, when the cap would be passed.
    package mutating func reserve(_ bytes: UInt64) -> Bool {
        let (sum, overflow) = reserved.addingReportingOverflow(bytes)
        guard !overflow, sum <= capacity else { return false }
        reserved = sum
        return true
    }

    /// The same for a session that wants more than it began with: a quarter is left for newcomers.
    package mutating func reserveMore(_ bytes: UInt64) -> Bool {
        let (sum, overflow) = reserved.addingReportingOverflow(bytes)
        guard !overflow, sum <= capacity / 4 * 3 else { return false }
        reserved = sum
        return true
    }

    package mutating func release(_ bytes: UInt64) {
        precondition(bytes <= reserved, "released more than was reserved")
        reserved -= bytes
    }
}

/// A budget that the sessions of one process share; used on one event loop only.
package final class SharedBudget {
    package var budget: MemoryBudget
    package var share: WindowShare

    package init(capacity: UInt64, sharedWindow: UInt64 = Bound.sharedWindow) {
        budget = MemoryBudget(capacity: capacity)
        share = WindowShare(total: sharedWindow)
    }
}
