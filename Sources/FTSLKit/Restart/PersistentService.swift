package import FTSLCore
package import NIOCore

/// What an application needs to go on under the next program of this process. [FTSL §12]
package struct ApplicationHold {
    /// The service's own words; nil: the application has ended.
    package var words: ByteBuffer?
    /// Bytes of the main stream that it was not given yet.
    package var unread: ByteBuffer

    package init(words: ByteBuffer? = nil, unread: ByteBuffer = ByteBuffer()) {
        self.words = words
        self.unread = unread
    }
}

/// A service whose applications outlive the program that serves them. [FTSL §12]
package protocol PersistentService: SessionService {
    /// What is not about one session: nil where there is nothing.
    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> ByteBuffer

    /// Everything that was read from the application goes to the session before the answer; the
    /// application itself notices nothing.
    func hold(_ id: SessionID, _ kept: KeptDescriptors) throws(Unmovable) -> ApplicationHold

    /// In the next program: the application goes on. The session tells what was unread as new data,
    /// and an end that was not told before as an end.
    func goOn(
        _ handle: SessionHandle, peer: String, from words: ByteBuffer
    ) throws(Failure) -> any SessionApplication
}
