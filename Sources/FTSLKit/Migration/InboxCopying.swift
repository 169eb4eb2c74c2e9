internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// Sends an inbox's files while it is served, and what came last once it stands still. [FTSL §10.2]
final class InboxCopying {
    /// What is left when clients are made to wait: a few milliseconds on a fast link.
    private static let remainder: UInt64 = 1 << 20
    /// Rounds that send what came during the one before, at most.
    private static let rounds = 8
    /// Bytes read at once: pieces are small, and each way to the disk's thread has its price.
    private static let batch = 8 * Bound.migrationPiece

    private let store: InboxStore
    private let link: MigrationLink
    private let disk: DiskQueue
    private var copy: InboxCopy?
    private var part = InboxPart.database
    private var offset: UInt64 = 0
    private var logEnd: UInt64 = 0
    private var round = 0
    private var lastRemainder = UInt64.max
    private var isFinal = false
    private var isReading = false
    private(set) var sent: UInt64 = 0
    private(set) var digest: [UInt8] = []
    var onProgress: ((UInt64) -> Void)?
    private var onDone: ((Result<Void, Failure>) -> Void)?

    init(_ store: InboxStore, _ link: MigrationLink, _ disk: DiskQueue) {
        self.store = store
        self.link = link
        self.disk = disk
    }

    /// Until little is left, or no less than the round before.
    func start(_ then: @escaping (Result<Void, Failure>) -> Void) {
        onDone = then
        link.onRoom = { [weak self] in self?.pump() }
        let store = store
        disk.run {
            try store.beginCopy()
        } then: { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let copy):
                self.copy = copy
                pump()
            case .failure(let failure): done(.failure(failure))
            }
        }
    }

    /// Nothing is stored any more from here on; the rest is sent.
    func finish(_ then: @escaping (Result<Void, Failure>) -> Void) {
        onDone = then
        isFinal = true
        guard let copy else { return }
        disk.run {
            try copy.freeze()
            return try copy.logBytes()
        } then: { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let end):
                logEnd = end
                pump()
            case .failure(let failure): done(.failure(failure))
            }
        }
    }

    func end() {
        link.onRoom = nil
        onDone = nil
        guard let copy else { return }
        self.copy = nil
        disk.run {
            copy.end()
        } then: { _ in
        }
    }

    private func done(_ result: Result<Void, Failure>) {
        let tell = onDone
        onDone = nil
        tell?(result)
    }

    private func pump() {
        guard let copy, !isReading, onDone != nil, link.hasRoom else { return }
        if part == .database, offset == copy.databaseBytes { (part, offset) = (.log, 0) }
        if part == .log, offset >= logEnd { return roundIsOver(copy) }
        isReading = true
        let (part, offset) = (part, offset)
        disk.run { () throws -> (ByteBuffer, [UInt8]) in
            let bytes = try copy.read(part, at: offset, maxBytes: Self.batch)
            return (bytes, try copy.digest)
        } then: { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let (bytes, digest)):
                self.digest = digest
                send(part, bytes)
            case .failure(let failure): done(.failure(failure))
            }
            // Not before: there may be room at each piece.
            isReading = false
            pump()
        }
    }

    private func send(_ part: InboxPart, _ bytes: ByteBuffer) {
        var rest = bytes
        while let piece = rest.readPiece(Bound.migrationPiece) {
            link.send(.inbox(part: part.rawValue, offset: offset, piece))
            offset += UInt64(piece.readableBytes)
        }
        sent += UInt64(bytes.readableBytes)
        onProgress?(sent)
    }

    private func roundIsOver(_ copy: InboxCopy) {
        if isFinal { return done(.success(())) }
        isReading = true
        disk.run {
            try copy.logBytes()
        } then: { [weak self] result in
            guard let self else { return }
            isReading = false
            switch result {
            case .success(let end):
                logEnd = end
                let left = end - offset
                round += 1
                let isSmall = left <= Self.remainder || round >= Self.rounds
                if isSmall || left >= lastRemainder { return done(.success(())) }
                lastRemainder = left
                pump()
            case .failure(let failure): done(.failure(failure))
            }
        }
    }
}
