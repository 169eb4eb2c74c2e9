/// How far consumers are with the messages of one producer: a newest-value state, read anew when a
/// watched cursor finishes something, or a message is stored. [FTSL §7.7]
package final class ProcessedWatch {
    private let session: SessionID
    private let producer: ProducerID
    private unowned let host: ConsumerHost
    /// Empty: every durable cursor; nil: no WATCH on this connection.
    private var cursor: String?
    /// The cursor that the store is asked about; nil: it is not asked.
    private var asked: String?
    /// Something was finished since the last reading began.
    private var isOutdated = false
    private var newest: MessageFrame.Processed?
    private var told: MessageFrame.Processed?

    init(session: SessionID, producer: ProducerID, host: ConsumerHost) {
        self.session = session
        self.producer = producer
        self.host = host
    }

    /// A WATCH; a later one replaces it.
    package func watch(cursor: String) {
        self.cursor = cursor
        newest = nil
        told = nil
        isOutdated = true
        read()
    }

    /// The connection is gone: its WATCH is too.
    package func detached() {
        cursor = nil
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
        guard let newest, newest != told else { return }
        told = newest
        writer.write(.processed(newest))
    }

    func finished(in cursor: String) {
        guard let watched = self.cursor, watched.isEmpty || watched == cursor else { return }
        changed()
    }

    /// There may be news.
    func changed() {
        guard cursor != nil else { return }
        isOutdated = true
        read()
    }

    private func read() {
        guard let cursor, isOutdated, asked == nil else { return }
        asked = cursor
        isOutdated = false
        host.ask(.fetchProcessed(producer, cursor: cursor), .processed(self))
    }

    /// A store that could not tell is asked again when more is finished.
    func read(_ reply: InboxReply) {
        defer {
            asked = nil
            read()
        }
        if case .processed(let floor, let ranges) = reply, asked == cursor {
            let ranges = Array(ranges.prefix(Bound.processedRanges))
            newest = MessageFrame.Processed(floor: floor, ranges: ranges)
            if newest != told { host.queue.wake(session) }
        }
    }
}
