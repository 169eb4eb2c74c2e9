/// The host that lets go: the coordinator of one ticket. [FTSL §10]
///
/// No I/O and no clock: what the disk has, what the target said and that time is up are inputs;
/// what is to be done are effects, in order. The one decision is `recordMoved`: before it every
/// failure leads back, after it none does.
package struct MigrationSource {
    package enum State: Equatable, Sendable {
        /// The target has not said whether it takes it.
        case offering
        /// The inbox is on its way while it is served.
        case copying
        /// Sessions stand still; their applications leave what they have.
        case freezing
        /// What is about to leave is being noted down.
        case sealing
        /// The image is on its way.
        case sending
        /// The target holds everything; the decision is on its way to the disk.
        case deciding
        /// Decided; the target has not said that it serves.
        case moved
        /// Rolled back, because of this; the disk does not know yet.
        case thawing(Failure)
        case over
    }

    package enum Input: Equatable {
        case accepted(MoveTarget)
        case refused(Failure)
        /// What is left of the inbox is small enough.
        case copied
        case frozen
        case frozenIsOnDisk
        case prepared(digest: [UInt8])
        case movedIsOnDisk
        case thawedIsOnDisk
        case active(failed: UInt32)
        /// The target, the operator, the disk or the clock ends it.
        case failed(Failure)
    }

    package enum Effect: Equatable {
        /// Who is attached learns where to look if this host is lost.
        case announce(MoveTarget)
        case copyInbox
        case freeze
        case recordFrozen
        case sendImage
        case recordMoved
        case sendDecided
        /// Everything and everybody goes to the target.
        case redirect
        case sendAbort(Failure)
        /// Notes down, if *frozen* is, that the ticket can never be decided.
        case recordThawed
        /// As it was: applications go on.
        case thaw
        case end(Result<UInt32, Failure>)
    }

    package private(set) var state = State.offering
    package let isPlan: Bool
    /// What the target must have received.
    package var digest: [UInt8] = []
    private var isDecided = false
    /// Somebody gave up while the decision was on its way to the disk.
    private var isAlone = false

    package init(isPlan: Bool) { self.isPlan = isPlan }

    /// True from the freeze to the decision: clients wait.
    package var isPaused: Bool {
        switch state {
        case .freezing, .sealing, .sending, .deciding, .thawing: true
        case .offering, .copying, .moved, .over: false
        }
    }

    /// What to answer somebody who asks about this ticket. After *aborted* it is never decided.
    package var decision: MigrationMessage.Decision {
        switch state {
        case .moved: .moved
        case .over: isDecided ? .moved : .aborted
        case .offering, .copying, .freezing, .sealing, .sending, .deciding, .thawing: .undecided
        }
    }

    package mutating func handle(_ input: Input) -> [Effect] {
        switch (state, input) {
        case (.offering, .accepted(let target)):
            if isPlan { return finish(.success(0)) }
            state = .copying
            return [.announce(target), .copyInbox]
        case (.offering, .refused(let failure)):
            return finish(.failure(failure))
        case (.copying, .copied):
            state = .freezing
            return [.freeze]
        case (.freezing, .frozen):
            state = .sealing
            return [.recordFrozen]
        case (.sealing, .frozenIsOnDisk):
            state = .sending
            return [.sendImage]
        case (.sending, .prepared(let theirs)):
            guard theirs == digest else {
                return rollBack(
                    Failure(.peer, .digestMismatch, "the target received something else"))
            }
            state = .deciding
            return [.recordMoved]
        case (.deciding, .movedIsOnDisk):
            isDecided = true
            state = .moved
            return [.sendDecided, .redirect] + (isAlone ? finish(.success(0)) : [])
        case (.moved, .active(let failed)):
            return finish(.success(failed))
        case (.moved, .failed):
            // Decided is decided: the target asks until it knows, and nobody here need wait.
            return finish(.success(0))
        case (.deciding, .failed):
            // The disk has the last word, whatever else happens meanwhile; but who is gone says
            // nothing more.
            isAlone = true
            return []
        case (.offering, .failed(let failure)): return finish(.failure(failure), abort: failure)
        case (.copying, .failed(let failure)), (.freezing, .failed(let failure)),
            (.sealing, .failed(let failure)), (.sending, .failed(let failure)):
            return rollBack(failure)
        case (.thawing(let failure), .thawedIsOnDisk): return goOn(failure)
        case (.thawing, _), (.over, _): return []
        case (_, .accepted), (_, .refused), (_, .copied), (_, .frozen), (_, .frozenIsOnDisk),
            (_, .prepared), (_, .movedIsOnDisk), (_, .thawedIsOnDisk), (_, .active):
            return rollBack(.violation(.unexpectedFrame, "a migration step out of order"))
        }
    }

    /// The disk refused the decision: nobody has heard of it, so it never was.
    package mutating func decisionFailed(_ failure: Failure) -> [Effect] {
        guard state == .deciding else { return [] }
        state = .sending
        return rollBack(failure)
    }

    /// A target that holds the image, and a process that finds *frozen* later on, would decide
    /// for what was served here meanwhile: nothing goes on, and nobody is told, before the disk
    /// knows.
    private mutating func rollBack(_ failure: Failure) -> [Effect] {
        switch state {
        case .deciding, .moved, .thawing, .over: return []
        case .offering, .copying, .freezing: return goOn(failure)
        case .sealing, .sending:
            state = .thawing(failure)
            return [.recordThawed]
        }
    }

    private mutating func goOn(_ failure: Failure) -> [Effect] {
        state = .over
        return [.thaw, .sendAbort(failure), .end(.failure(failure))]
    }

    private mutating func finish(
        _ result: Result<UInt32, Failure>, abort: Failure? = nil
    ) -> [Effect] {
        state = .over
        return (abort.map { [.sendAbort($0)] } ?? []) + [.end(result)]
    }
}
