internal import DequeModule
package import NIOCore

/// Names a request to an inbox's store; its answer brings the number back.
package struct StoreRequestID: Hashable, Sendable {
    package var value: UInt64

    package init(value: UInt64) { self.value = value }
}

/// What the machines of an inbox ask of its store.
package enum InboxRequest: Hashable, Sendable {
    /// Make durable; answered by `persisted` after the commit, in the order of asking.
    case change(InboxChange)
    /// Read messages at or after an index that a filter lets through, up to so many and about so
    /// many body bytes; answered by `fetched`.
    case fetch(from: InboxIndex, TopicFilter, maxMessages: Int, maxBytes: UInt64)
    /// Read part of a large body; answered by `fetchedPiece`.
    case fetchPiece(InboxIndex, offset: UInt64, maxBytes: UInt64)
    /// Read dead letters of a cursor at or after an index, in order, bounded as `fetch` is;
    /// answered by `deadLetters`, empty when there are no more.
    case fetchDead(cursor: String, from: InboxIndex, maxMessages: Int, maxBytes: UInt64)
    /// Read how far consumers have got with a producer's messages, for the identity that owns it;
    /// nil: for its lane, whose owner is known.
    case fetchProcessed(MessageFrame.Watch, owner: String?)
}

package enum InboxReply: Hashable, Sendable {
    case changed(InboxResult)
    /// In order; `scanned` is the index up to which (exclusive) everything that matches is here:
    /// the end of the inbox, unless a bound cut it short.
    case messages([StoredMessage], scanned: InboxIndex)
    case piece(ByteBuffer)
    /// Each letter with its message, at the same place.
    case deadLetters([DeadLetter], [StoredMessage])
    case processed(MessageFrame.Processed)
    /// The store could not: disk full, damaged. Nothing of the request is durable.
    case failed(Failure)
}

/// Requests of all machines of one inbox in order, and which sessions have something to send.
package final class InboxQueue {
    private var requests = Deque<(id: StoreRequestID, InboxRequest)>()
    private var nextID: UInt64 = 1
    private var awake: Set<SessionID> = []

    package init() {}

    package func ask(_ request: InboxRequest) -> StoreRequestID {
        let id = StoreRequestID(value: nextID)
        nextID += 1
        requests.append((id, request))
        return id
    }

    package func nextRequest() -> (id: StoreRequestID, request: InboxRequest)? {
        requests.popFirst().map { ($0.id, $0.1) }
    }

    /// The session has frames to send.
    package func wake(_ session: SessionID) { awake.insert(session) }

    /// Sessions woken since the last call, in a fixed order.
    package func takeAwake() -> [SessionID] {
        defer { awake = [] }
        return awake.sorted { ($0.high, $0.low) < ($1.high, $1.low) }
    }
}

/// What a session's identity may do with an inbox.
package struct InboxPermissions: Hashable, Sendable {
    /// Topics it may send to; nil: none.
    package var send: TopicFilter?
    /// Topics it may read; nil: none.
    package var consume: TopicFilter?

    package init(send: TopicFilter?, consume: TopicFilter?) {
        self.send = send
        self.consume = consume
    }

    package static let everything = InboxPermissions(send: .everything, consume: .everything)
}
