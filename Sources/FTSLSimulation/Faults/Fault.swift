package import FTSLCore

/// The way bytes go: up from initiator to acceptor, or down.
package enum Direction: String, Sendable, Hashable, CaseIterable {
    case up
    case down

    var receiver: Role { self == .up ? .acceptor : .initiator }
    var sender: Role { self == .up ? .initiator : .acceptor }
}

/// One thing that goes wrong, as data: it can be printed, replayed and taken out of a plan.
package struct Fault: Sendable, Hashable {
    package enum Trigger: Sendable, Hashable {
        /// Milliseconds since the beginning.
        case time(Int)
        /// When so many bytes went this way, over all connections of the client.
        case bytes(Direction, UInt64)
        /// When the process begins its so manieth commit; only processes with a disk have any.
        case commit(Role, Int)
    }

    /// What an attacker, who sees everything but no secret, does with a handshake it has seen.
    package enum Attack: String, Sendable, Hashable, CaseIterable {
        /// Sends the whole of it at once.
        case whole
        /// Sends the question, waits for the answer, sends the recorded proof.
        case stepwise
        /// Sends part of it and stays silent.
        case truncated
        /// Sends it with one bit turned.
        case flipped
        case garbage
    }

    package enum Effect: Sendable, Hashable {
        /// The newest connection dies. Bytes on the way are lost or still arrive; each end learns
        /// of it after so many milliseconds, or never.
        case cut(loses: Bool, initiator: Int?, acceptor: Int?)
        /// Nothing arrives this way for so many milliseconds.
        case stall(Direction, Int)
        /// This direction is dead and nobody is told.
        case halfOpen(Direction)
        /// Dials are refused for so many milliseconds.
        case refuse(Int)
        /// Dials are not answered for so many milliseconds.
        case unreachable(Int)
        /// Dials take `by` milliseconds longer for so many milliseconds.
        case slowDials(by: Int, Int)
        /// A process does nothing for so many milliseconds.
        case pause(Role, Int)
        /// A process's clock goes forward by so many milliseconds.
        case jump(Role, Int)
        /// The acceptor's process dies and a new one, knowing nothing, takes its place.
        case restart
        /// A process dies with all it did not commit, and is started again after so many
        /// milliseconds.
        case crash(Role, Int)
        /// The process's disk takes nothing more for so many milliseconds.
        case full(Role, Int)
        /// Commits take `by` milliseconds longer for so many milliseconds.
        case slowDisk(Role, by: Int, Int)
        /// The newest connection dies every so many milliseconds, so many times.
        case flap(every: Int, times: Int)
        /// Plays the handshake of connection `capture` (modulo those seen); `at` chooses the byte.
        case attack(Attack, capture: Int, at: Int)
        /// So many strangers connect and say nothing.
        case flood(Int)
    }

    package var trigger: Trigger
    package var client: Int
    package var effect: Effect

    package init(_ trigger: Trigger, client: Int = 0, _ effect: Effect) {
        self.trigger = trigger
        self.client = client
        self.effect = effect
    }
}
