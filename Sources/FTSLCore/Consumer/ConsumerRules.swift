/// What becomes of a cursor, decided inside the transaction that makes it durable. [FTSL §7.6]
package enum ConsumerRules {
    package static func apply(
        _ change: InboxChange, in tx: inout some InboxTransaction, limits: InboxLimits
    ) throws -> InboxResult {
        .refused(Failure(.local, .noSuchCursor, "this inbox has no consumers"))
    }
}
