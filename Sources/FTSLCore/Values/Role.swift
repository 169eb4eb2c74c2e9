/// Which end of a session this is: the initiator dials, the acceptor accepts.
package enum Role: Sendable {
    case initiator
    case acceptor

    package var peer: Role {
        switch self {
        case .initiator: .acceptor
        case .acceptor: .initiator
        }
    }
}

/// What the acceptor's service does, told in OPENED. [FTSL §4.2]
package struct ServiceFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Running the service twice for one client does no harm.
    package static let repeatable = ServiceFlags(rawValue: 1)
    /// An EXIT will be sent; BYE waits for it.
    package static let exitStatus = ServiceFlags(rawValue: 2)
    /// Channel 1 exists.
    package static let standardError = ServiceFlags(rawValue: 4)
    /// The command has a terminal, and is told of the initiator's. [FTSL §5.10]
    package static let terminal = ServiceFlags(rawValue: 8)
    /// The session carries a lane or a subscription; its streams stay empty.
    package static let messages = ServiceFlags(rawValue: 16)
    /// Two hosts talk about a ticket on its main stream.
    package static let migration = ServiceFlags(rawValue: 32)
    /// The listener itself is asked on its main stream.
    package static let control = ServiceFlags(rawValue: 64)
}

/// What a listener offers, and what an identity may use of it.
package struct SessionRights: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let streams = SessionRights(rawValue: 1)
    package static let messages = SessionRights(rawValue: 2)
    /// Bring sessions and inboxes here, and ask about tickets.
    package static let migration = SessionRights(rawValue: 4)
    /// Ask the listener itself, and tell it what to do.
    package static let control = SessionRights(rawValue: 8)
    /// What needs no permission of its own.
    package static let everything: SessionRights = [.streams, .messages]

    /// What a session needs whose OPEN names this service. [FTSL §4.1]
    package init(needed service: String) {
        switch service {
        case Self.messagesService: self = .messages
        case Self.migrationService: self = .migration
        case Self.controlService: self = .control
        default: self = .streams
        }
    }

    /// The service that OPEN names for lanes and subscriptions.
    package static let messagesService = "messages"
    /// The service that OPEN names for the talk of two hosts.
    package static let migrationService = "migrate"
    /// The service that OPEN names for the listener's own answers.
    package static let controlService = "control"
}
