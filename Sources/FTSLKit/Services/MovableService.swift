package import FTSLCore
package import NIOCore

/// What an application leaves behind so that it can go on elsewhere, or here again. [FTSL §11]
package struct ApplicationState: Equatable, Sendable {
    /// Directions that the application had finished, each by the name it has for a command.
    package struct Closed: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let input = Closed(rawValue: 1)
        package static let output = Closed(rawValue: 2)
        package static let error = Closed(rawValue: 4)
    }

    /// The application's own words; nothing that FTSL understands.
    package var state: [UInt8]
    package var closed: Closed
    /// Bytes of the main stream that the session has received and the application has not used:
    /// they are given to it first when it goes on.
    package var unread: ByteBuffer

    package init(state: [UInt8], closed: Closed = [], unread: ByteBuffer = ByteBuffer()) {
        self.state = state
        self.closed = closed
        self.unread = unread
    }
}

/// Why a session's application cannot be taken along.
package struct Unmovable: Error, Equatable, Sendable {
    package var text: String
    package init(_ text: String) { self.text = text }
}

/// What becomes of a question for a checkpoint; nil: the application has ended by itself, and
/// everything that it wrote is the session's, which goes on without one.
package typealias CheckpointAnswer = Result<ApplicationState?, Unmovable>

/// A service whose sessions can move to another host, or through an upgrade of this one.
package protocol MovableService: SessionService {
    /// What stands in the way of moving this session; nil: nothing that is known now.
    func obstacle(of id: SessionID) -> Unmovable?

    /// Ends the session's application in order and gives back what it left; called once the
    /// session takes no input any more.
    ///
    /// Everything that the application wrote until its end has been written to the session before
    /// the answer. After a failure the application goes on as if nothing had been asked, or a new
    /// one has begun from its own checkpoint. Answers once, within the service's own limit.
    func checkpoint(_ id: SessionID, then: @escaping (CheckpointAnswer) -> Void)

    /// Starts an application from what another left: here after a roll-back, or at the target.
    ///
    /// The session tells what was unread as new data, and an end that came before as an end.
    func restore(
        _ handle: SessionHandle, peer: String, from state: ApplicationState
    ) -> any SessionApplication
}
