/// Faults put into what hosts do about a ticket on purpose, to see that the checkers find them; at
/// the machines' boundary, so that they need no hooks.
package enum MoveMutation: String, CaseIterable, Sendable {
    /// The source answers *aborted* while *moved* is being written.
    case abortsWhileDeciding
    /// A target whose source is away starts what it has.
    case activatesUnasked
    /// A target whose source is away drops what it has.
    case discardsUnasked
    /// The record *moved* does not survive the process.
    case forgetsDecision
    /// Signposts do not survive the process.
    case forgetsSignposts
    /// A roll-back is not written down.
    case forgetsThaw
    /// A source goes on before *thawed* is on its disk.
    case thawsEarly
    /// The target says *prepared* before its disk has it.
    case preparedInMemory
    /// The target is told of a decision that is not on disk.
    case decidesInMemory
    /// A source that starts again serves before it knows what became of its ticket.
    case servesUndecided
    /// The source goes on serving while the image is on its way.
    case keepsServing
    /// The inbox is copied before it stands still.
    case copiesEarly
    /// An image that was used is started again after a restart.
    case usesImageTwice
    /// What an application had not used is not given to the next one.
    case losesUnread
    /// The new host begins at the generation of the old one.
    case keepsGeneration
    /// The inbox at a target is replaced whatever came to it since the offer.
    case replacesUnseen
    /// A host moves on what has come to it and has not begun.
    case movesUnstarted
    /// A ticket after one that came to nothing begins at the same generation.
    case reusesGeneration
    /// A source that moved on says nothing to a target that was activated by hand.
    case forgetsOverruled
}
