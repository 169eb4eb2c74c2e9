/// An application in Swift at the server's end of one session, which can go on at another host.
///
/// Its methods are called one after the other, never two at once, and each waits for the one
/// before. What they throw ends the session for both ends as `application-failed`. [FTSL §11]
public protocol Migratable: Sendable {
    /// Bytes came from the client, in order; the next ones come when this has returned.
    ///
    /// The session counts them as used only then: an application that is moved while it waits here
    /// keeps its host waiting for as long as `Server.Options.checkpointTimeout`.
    func receive(_ bytes: [UInt8]) async throws

    /// The client says no more; the application may.
    func receiveEnd() async throws

    /// Everything that another one needs to go on from here, at most 64 MiB; called between two
    /// other calls, and followed by none.
    ///
    /// What the client sent and `receive` was not given is given to the other one. Should the move
    /// come to nothing, a new application begins here, from what this one returned.
    func checkpoint() async throws -> [UInt8]
}
