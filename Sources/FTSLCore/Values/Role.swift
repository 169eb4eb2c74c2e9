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
    /// The service sits behind a terminal (reserved).
    package static let terminal = ServiceFlags(rawValue: 8)
}
