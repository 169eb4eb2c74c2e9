/// How far consumers are with the messages of one producer: a newest-value state, read anew when a
/// watched cursor finishes something, or a message is stored. [FTSL §7.7]
package final class ProcessedWatch {
    private let session: SessionID
    private unowned let host: ConsumerHost
    /// Nil: no WATCH on this connection.
    private var wanted: MessageFrame.Watch?
    /// Whose the producer must be; nil: a lane has proven it.
    private var owner: String?
    private var refusal: Failure?
    /// What the store is asked about; nil: it is not asked.
    private var asked: MessageFrame.Watch?
    /// Something was finished since the last reading began.
    private var isOutdated = false
    private var newest: MessageFrame.Processed?
    private var told: MessageFrame.Processed?

    init(session: SessionID, host: ConsumerHost) {
        self.session = session
        self.host = host
    }

    /// A WATCH; a later one replaces it.
    package func watch(_ wanted: MessageFrame.Watch, owner: String?) {
        self.wanted = wanted
        self.owner = owner
        refusal = nil
        newest = nil
        told = nil
        isOutdated = true
        read()
    }

    /// The connection is gone: its WATCH is too.
    package func detached() {
        wanted = nil
        refusal = nil
        newest = nil
        told = nil
    }

    /// The session, or its lane, is gone.
    package func ended() {
        detached()
        host.forget(self)
    }

    /// PROCESSED, when there is news.
    package func transmit(into writer: inout FrameWriter) {
        if let refusal {
            writer.write(.refused(.watch, refusal.code, text: refusal.text))
            return detached()
        }
        guard let newest, newest != told else { return }
        told = newest
        writer.write(.processed(newest))
    }

    func finished(in cursor: String) {
        guard let watched = wanted?.cursor, watched.isEmpty || watched == cursor else { return }
        changed()
    }

    /// There may be news.
    func changed() {
        guard wanted != nil else { return }
        isOutdated = true
        read()
    }

    private func read() {
        guard let wanted, isOutdated, asked == nil else { return }
        asked = wanted
        isOutdated = false
        host.ask(.fetchProcessed(wanted, owner: owner), .processed(self))
    }

    /// A store that could not tell is asked again when more is finished.
    func read(_ reply: InboxReply) {
        defer {
            asked = nil
            read()
        }
        guard asked == wanted else { return }
        switch reply {
        case .processed(var processed):
            processed.bound()
            newest = processed
            if newest != told { host.queue.wake(session) }
        case .failed(let failure) where failure.code == .foreignProducer:
            refusal = failure
            host.queue.wake(session)
        default: break
        }
    }
}

extension MessageFrame.Processed {
    /// Keeps to what a frame may say; beyond the last dead letter of so many nothing is known.
    package mutating func bound() {
        if dead.count >= Bound.processedRanges {
            dead.removeLast(dead.count - Bound.processedRanges)
            let end = dead[dead.count - 1].next
            floor = min(floor, end)
            ranges.removeAll { $0.lowerBound >= end.value }
            if let last = ranges.last, last.upperBound >= end.value {
                ranges[ranges.count - 1] = last.lowerBound...(end.value - 1)
            }
        }
        ranges.removeLast(max(0, ranges.count - Bound.processedRanges))
    }
}
