/// Keeps the first broken invariant. [design §2]
package struct Checker {
    /// The invariants, in the protocol's order.
    package enum Invariant: String, Sendable {
        case prefix
        case trustedEnd = "trusted end"
        case noEarlyAcknowledgement = "no early acknowledgement"
        case oneOwner = "one owner"
        case proofFirst = "proof before effect"
        case bounded
        case live
        case definite
        case exactlyOnce = "exactly once"
        case order
        case durable
        case outcome = "true outcome"
        case delivered
        case fenced
    }

    package struct Violation: Sendable, CustomStringConvertible {
        package var invariant: Invariant
        package var text: String

        package var description: String { "\(invariant.rawValue): \(text)" }
    }

    package private(set) var failure: Violation?

    mutating func fail(_ invariant: Invariant, _ text: String) {
        if failure == nil { failure = Violation(invariant: invariant, text: text) }
    }
}
