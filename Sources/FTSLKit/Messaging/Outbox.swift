package import FTSLCore
package import FTSLStore
package import NIOCore
internal import NIOPosix

/// An outbox's file as one process uses it, on an event loop.
package final class Outbox {
    package typealias Request = FTSLStore.OutboxRequest
    package typealias Reply = FTSLStore.OutboxReply

    package let path: String
    private let store: OutboxStore
    private let loop: any EventLoop
    private var nextID: UInt64 = 1
    private var waiting: [StoreRequestID: (Reply) -> Void] = [:]
    private var watch: FileWatch?
    private var watchers: [() -> Void] = []
    private let answers: NIOLoopBoundBox<Outbox?>

    /// Makes the file when it is not there. Throws `StoreFailure`.
    package init(_ path: String, on loop: any EventLoop) throws {
        let answers = NIOLoopBoundBox<Outbox?>(nil, eventLoop: loop)
        self.answers = answers
        self.path = path
        self.loop = loop
        store = try OutboxStore(path) { batch in
            loop.execute { answers.value?.answered(batch) }
        }
        answers.value = self
    }

    package func ask(_ request: Request, _ then: @escaping (Reply) -> Void) {
        let id = StoreRequestID(value: nextID)
        nextID += 1
        waiting[id] = then
        store.submit([(id, request)]) { [weak self] in self?.answered($0) }
    }

    private func answered(_ batch: [OutboxStore.Answer]) {
        for answer in batch { waiting.removeValue(forKey: answer.id)?(answer.reply) }
    }

    /// The lock that makes this process the courier of a destination; nil while another is. Throws
    /// `StoreFailure`.
    package func becomeCourier(of destination: String) throws -> FileLock? {
        do {
            return try store.becomeCourier(of: destination, idKeep: Bound.outboxIDKeep)
        } catch let failure as StoreFailure {
            guard case .locked = failure.reason else { throw failure }
            return nil
        }
    }

    /// Calls back whenever a process has changed the file. Throws `StoreFailure`.
    package func onChange(_ body: @escaping () -> Void) throws {
        watchers.append(body)
        guard watch == nil else { return }
        let (loop, answers) = (loop, answers)
        watch = try OutboxStore.watch(path) {
            loop.execute { answers.value?.watchers.forEach { $0() } }
        }
    }

    /// Makes durable and answers what was asked, lets the file go, and calls back.
    package func close(_ body: @escaping () -> Void) {
        watch = nil
        watchers = []
        let bound = NIOLoopBound(body, eventLoop: loop)
        let (store, loop, answers) = (store, loop, answers)
        NIOThreadPool.singleton.submit { _ in
            store.close()
            loop.execute {
                answers.value = nil
                bound.value()
            }
        }
    }
}

extension Bound {
    /// Milliseconds that an outbox knows the user's own ids and outcomes that were not *accepted*.
    package static let outboxIDKeep: UInt64 = 30 * 24 * 3_600_000
}

/// Where a lane's messages come from and their outcomes go to.
protocol LaneSource: AnyObject {
    func ask(
        _ request: FTSLCore.OutboxRequest, _ then: @escaping (FTSLCore.OutboxReply) -> Void)
}

/// A lane of an outbox's file.
final class FileLaneSource: LaneSource {
    private let outbox: Outbox
    private let destination: String
    private let producer: ProducerID

    init(_ outbox: Outbox, _ lane: OutboxLane) {
        self.outbox = outbox
        destination = lane.destination
        producer = lane.producer
    }

    func ask(
        _ request: FTSLCore.OutboxRequest, _ then: @escaping (FTSLCore.OutboxReply) -> Void
    ) {
        let work: Outbox.Request =
            switch request {
            case .change(let change): .change(change)
            case .fetch(let from, let maxMessages, let maxBytes):
                .page(
                    destination: destination, from: from, maxMessages: maxMessages,
                    maxBytes: maxBytes)
            case .fetchPiece(let sequence, let offset, let maxBytes):
                .piece(producer, sequence, offset: offset, maxBytes: UInt64(maxBytes))
            }
        outbox.ask(work) { reply in
            switch reply {
            case .changed(let result): then(.changed(result))
            case .page(_, let messages):
                then(.messages(messages, wallClock: WallClock.milliseconds))
            case .piece(let bytes): then(.piece(bytes))
            case .failed(let failure): then(.failed(failure))
            case .outcome:
                then(.failed(Failure(.local, .internalError, "the outbox answered otherwise")))
            }
        }
    }
}

/// A lane that dies with its process.
final class MemoryLaneSource: LaneSource {
    private(set) var outbox: MemoryOutbox
    private let destination: String

    init(_ producer: ProducerID, destination: String) {
        outbox = MemoryOutbox(producer: producer)
        self.destination = destination
    }

    func change(_ change: OutboxChange) -> OutboxResult {
        do {
            return try OutboxRules.apply(change, in: &outbox)
        } catch {
            return .refused(Failure(.local, .internalError, "\(error)"))
        }
    }

    func ask(
        _ request: FTSLCore.OutboxRequest, _ then: @escaping (FTSLCore.OutboxReply) -> Void
    ) {
        switch request {
        case .change(let change): then(.changed(self.change(change)))
        case .fetch(let from, let maxMessages, let maxBytes):
            let messages = outbox.lane(destination).map {
                outbox.messages(from: from, of: $0, maxMessages: maxMessages, maxBytes: maxBytes)
            }
            then(.messages(messages ?? [], wallClock: WallClock.milliseconds))
        case .fetchPiece:
            then(.failed(Failure(.local, .internalError, "memory holds no pieces")))
        }
    }
}
