/// The host that takes over, for one ticket. [FTSL §10]
///
/// It never decides: what is prepared here stays so until its source has said *moved* or
/// *aborted*, or an operator says that the source is dead for good.
package struct MigrationTarget {
    package enum State: Equatable, Sendable {
        case receiving
        /// All is here; the disk does not have it yet.
        case storing
        case prepared
        /// Decided; the disk does not know yet.
        case activating
        case active
        case over
    }

    package enum Input: Equatable {
        /// Everything came, with these digests, and they agree with what was said.
        case sealed
        case preparedIsOnDisk
        /// The source said so, to us or when asked.
        case decided(MigrationMessage.Decision)
        /// An operator vouches that the source is dead for good.
        case forced
        case activeIsOnDisk
        case started(failed: UInt32)
        case failed(Failure)
        /// The session with the source is over.
        case sourceIsAway
    }

    package enum Effect: Equatable {
        case recordPrepared
        case sendPrepared
        case recordActive(forced: Bool)
        /// Sessions, applications and inbox begin here.
        case start
        case sendActive(failed: UInt32)
        /// Ask the source until it answers.
        case askSource
        case discard
        case sendRefuse(Failure)
        case end(Failure?)
    }

    package private(set) var state: State
    /// All that came has begun here: it may go on to another host.
    package private(set) var hasStarted = false

    /// A ticket that begins to arrive, or one that was prepared before a restart.
    package init(isPrepared: Bool = false) { state = isPrepared ? .prepared : .receiving }

    package mutating func handle(_ input: Input) -> [Effect] {
        switch (state, input) {
        case (.receiving, .sealed):
            state = .storing
            return [.recordPrepared]
        case (.storing, .preparedIsOnDisk):
            state = .prepared
            return [.sendPrepared]
        case (.prepared, .decided(.moved)):
            state = .activating
            return [.recordActive(forced: false)]
        case (.prepared, .forced):
            state = .activating
            return [.recordActive(forced: true)]
        case (.prepared, .decided(.undecided)), (.prepared, .sourceIsAway):
            return [.askSource]
        case (.activating, .activeIsOnDisk):
            state = .active
            return [.start]
        case (.active, .started(let failed)):
            hasStarted = true
            return [.sendActive(failed: failed), .end(nil)]
        case (.receiving, .decided(.aborted)), (.storing, .decided(.aborted)),
            (.prepared, .decided(.aborted)):
            state = .over
            let failure = Failure(.peer, .migrationAborted, "the source went on by itself")
            return [.discard, .end(failure)]
        case (.receiving, .failed(let failure)), (.storing, .failed(let failure)):
            state = .over
            return [.discard, .sendRefuse(failure), .end(failure)]
        case (.receiving, .sourceIsAway), (.storing, .sourceIsAway):
            // The source learns that nothing is prepared here, and thaws.
            state = .over
            let failure = Failure(.peer, .migrationAborted, "the source is gone")
            return [.discard, .end(failure)]
        case (.activating, .failed(let failure)):
            // The disk did not take the record: still prepared, and to be tried again.
            state = .prepared
            return [.sendRefuse(failure), .askSource]
        case (.prepared, .failed), (.active, .failed), (.active, .sourceIsAway),
            (.activating, .sourceIsAway), (.activating, .decided), (.active, .decided),
            (.activating, .forced), (.active, .forced), (.over, _),
            (.storing, .decided), (.receiving, .decided):
            return []
        case (_, .sealed):
            // Said twice: what is here is here.
            return []
        case (_, .preparedIsOnDisk), (_, .forced), (_, .activeIsOnDisk),
            (_, .started):
            preconditionFailure("\(input) in \(state)")
        }
    }
}
