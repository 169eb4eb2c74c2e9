internal import FTSLCore
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Where messages are, to be followed: a listener's inbox, or an inbox's file. [FTSL §7.6]
public struct Inbox: Hashable, Sendable {
    /// Who follows, and what the inbox remembers of it.
    public enum Reader: Hashable, Sendable {
        /// Looks, and leaves no trace: every message is shown, nothing is to be answered.
        case visitor
        /// A cursor with this name: every message comes until it is answered with `done` or `dead`.
        /// Whoever follows it last takes it over.
        case cursor(String)
        /// A cursor shared by several: every message goes to one of them.
        case group(String)
    }

    /// Where to begin; a cursor that exists goes on where it was.
    public enum Start: Hashable, Sendable {
        /// With the oldest message that is kept.
        case beginning
        /// With what comes from now on.
        case end
        /// At this index of the inbox.
        case index(UInt64)
        /// With the last so many that match.
        case last(UInt64)
        /// With what was stored so long ago, at most.
        case age(Duration)
    }

    /// Bounds of what is in the hands of this process.
    public struct Limits: Hashable, Sendable {
        /// Messages that may be here without an answer (a visitor: without being read); 1 to 4096.
        public var inHand = 64
        /// The largest body in bytes; a larger one ends the sequence with `message-too-large`.
        public var body = 64 << 20
        /// Deliveries that fail before a message becomes a dead letter.
        public var attempts = 5

        /// The defaults.
        public init() {}
    }

    private enum Place: Hashable {
        case service(String)
        case file(String)
    }

    private let place: Place
    private let security: PeerSecurity

    /// The inbox of a listener at `HOST:PORT`, `unix:PATH`, or several of them with commas.
    public init(at destination: String, security: PeerSecurity = .automatic()) {
        place = .service(destination)
        self.security = security
    }

    /// The inbox in a file of this machine, whether or not a listener serves it at the moment.
    public init(file path: String) {
        place = .file(path)
        security = .automatic()
    }

    /// Subscribes, and returns when the inbox has said yes.
    ///
    /// Waits for as long as the inbox cannot be reached: cancel the task to wait no longer. Topics
    /// are patterns: `*` stands for one level, `#` for the rest; none: every topic.
    /// - Throws: `FTSLError` when it says no (`cursor-mismatch`, `no-inbox`, `peer-unknown`, …) or
    ///   there is no such file; `CancellationError`.
    public func follow(
        as reader: Reader = .visitor, topics: [String] = [], from start: Start = .beginning,
        limits: Limits = Limits()
    ) async throws -> Deliveries {
        let configuration = try Self.configuration(reader, topics, start, limits)
        let (place, security) = (place, security)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let resident = try await Resident(on: loop) {
            let local: LocalInbox?
            let endpoints: [Endpoint]
            switch place {
            case .service(let text):
                endpoints = try Endpoint.named(text)
                local = nil
            case .file(let path):
                guard access(path, F_OK) == 0 else {
                    throw FTSLError(.noInbox, "there is no inbox at \(path)")
                }
                endpoints = [LocalInbox.endpoint(of: path)]
                local = LocalInbox(path, InboxOptions(), on: loop)
            }
            let settings = PortClient.Settings(
                endpoints: endpoints, configuration: InitiatorConfiguration(),
                security: try security.decision(for: endpoints), isPatient: true)
            return FollowerCore(
                settings, configuration, maxBody: UInt64(max(0, limits.body)), local, on: loop)
        }
        let follower = Follower(resident)
        do {
            try await resident.wait { $0.start($1) }
        } catch {
            await follower.close()
            throw error
        }
        return Deliveries(follower)
    }

    private static func configuration(
        _ reader: Reader, _ topics: [String], _ start: Start, _ limits: Limits
    ) throws(FTSLError) -> ConsumerPort.Configuration {
        var configuration: ConsumerPort.Configuration
        switch reader {
        case .visitor: configuration = ConsumerPort.Configuration(kind: .ephemeral)
        case .cursor(let name):
            configuration = ConsumerPort.Configuration(kind: .cursor)
            configuration.cursor = name
        case .group(let name):
            configuration = ConsumerPort.Configuration(kind: .group)
            configuration.cursor = name
        }
        let bytes = configuration.cursor.utf8.count
        guard bytes <= Bound.cursorName, bytes > 0 || reader == .visitor else {
            throw FTSLError(.noSuchCursor, "a cursor's name has 1 to \(Bound.cursorName) bytes")
        }
        configuration.start = start.core
        configuration.filter = TopicFilter(topics)
        configuration.maxMessages = UInt64(max(1, limits.inHand))
        configuration.maxAttempts = UInt32(clamping: max(1, limits.attempts))
        return configuration
    }
}

extension Inbox.Start {
    fileprivate var core: ConsumerStart {
        switch self {
        case .beginning: .beginning
        case .end: .end
        case .index(let value): .index(InboxIndex(value))
        case .last(let count): .last(count)
        case .age(let age): .age(UInt64(max(0, age / .milliseconds(1))))
        }
    }
}
