internal import DequeModule
internal import NIOCore

/// What a store read at once: all that matches from `from` up to `scanned`, exclusive.
struct MessagePage {
    var messages: [StoredMessage]
    var scanned: InboxIndex
}

/// Messages read from the store ahead of need, in order, for one cursor or follower; bounded by
/// messages and bytes, whatever the consumer does.
struct Feed {
    let filter: TopicFilter
    /// Everything below was read.
    private(set) var position: InboxIndex
    private(set) var ready = Deque<StoredMessage>()
    private var bytes: UInt64 = 0
    /// A page is on its way.
    var isReading = false

    init(filter: TopicFilter, position: InboxIndex) {
        self.filter = filter
        self.position = position
    }

    /// There is room for a page, and maybe something to fill it.
    func wantsPage(before end: InboxIndex) -> Bool {
        !isReading && position < end && hasRoom
    }

    /// Less than half is left.
    var hasRoom: Bool {
        ready.count <= Bound.readAheadMessages / 2 && bytes <= Bound.readAheadBytes / 2
    }

    /// Everything before `end` was read and taken.
    func isDrained(before end: InboxIndex) -> Bool {
        ready.isEmpty && !isReading && position >= end
    }

    mutating func accept(_ page: MessagePage, where isWanted: (StoredMessage) -> Bool) {
        assert(page.scanned > position, "a page leads on")
        isReading = false
        position = max(position, page.scanned)
        for message in page.messages where isWanted(message) {
            ready.append(message)
            bytes += message.inlineBytes
        }
    }

    /// Puts a message that was read before in its place.
    mutating func insert(_ message: StoredMessage) {
        let place = ready.firstIndex { message.index < $0.index } ?? ready.endIndex
        ready.insert(message, at: place)
        bytes += message.inlineBytes
    }

    mutating func popFirst() -> StoredMessage? {
        guard let message = ready.popFirst() else { return nil }
        bytes -= message.inlineBytes
        return message
    }

    mutating func remove(_ index: InboxIndex) {
        guard let place = ready.firstIndex(where: { $0.index == index }) else { return }
        bytes -= ready.remove(at: place).inlineBytes
    }
}

extension StoredMessage {
    /// Body bytes that this value keeps in memory.
    var inlineBytes: UInt64 {
        if case .inline(let bytes) = body { UInt64(bytes.readableBytes) } else { 0 }
    }
}
