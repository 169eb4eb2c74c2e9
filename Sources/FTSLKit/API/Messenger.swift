internal import FTSLCore
internal import FTSLStore
internal import FTSLTransport
public import Logging
public import Metrics
internal import NIOCore
internal import NIOPosix

/// Sends messages to one destination with a guarantee, and tells what becomes of each. [FTSL §7]
///
/// It dials, and dials again, for as long as it is not closed; any task may use it.
public final class Messenger: Sendable {
    /// How far a message is to be before `send` returns.
    public enum Milestone: Hashable, Sendable {
        /// In the outbox: on disk with *exactly once*, in memory with *at least once*.
        case stored
        /// On the disk of the inbox.
        case accepted
    }

    let resident: Resident<MessengerCore>
    private let outbox: String?

    /// A messenger to `HOST:PORT`, `unix:PATH`, or several of them with commas, which are then
    /// alternatives for one service.
    ///
    /// Returns at once, connected or not. Throws `FTSLError` when the destination is none, the
    /// outbox's file cannot be used, or there is no usable identity.
    /// - Parameters:
    ///   - logger: What hears of lost connections and of messages that are not accepted.
    ///   - metrics: What counts messages and lost connections; the application's
    ///     `MetricsSystem` unless given.
    public init(
        to destination: String, _ guarantee: Guarantee = .exactlyOnce(),
        security: PeerSecurity = .automatic(), logger: Logger? = nil,
        metrics: (any MetricsFactory)? = nil
    ) async throws {
        let endpoints = try Endpoint.named(destination)
        let path: String?
        switch guarantee {
        case .exactlyOnce(let given):
            do {
                if given == nil { try StateFolder.make() }
            } catch {
                throw FTSLError.of(error)
            }
            path = given ?? StateFolder.outbox
        case .atLeastOnce: path = nil
        }
        outbox = path
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        resident = try await Resident(on: loop) {
            let settings = PortClient.Settings(
                endpoints: endpoints, configuration: InitiatorConfiguration(),
                security: try security.decision(for: endpoints), isPatient: true)
            return MessengerCore(
                to: destination, try path.map { try Outbox($0, on: loop) }, settings,
                MessengerTelemetry(logger, metrics, to: destination), on: loop)
        }
    }

    deinit {
        resident.execute { core in core.close { withExtendedLifetime(core) {} } }
    }

    /// Puts a message on its way, and returns when it is as far as asked for.
    ///
    /// Suspends while too many wait: 256 messages or 8 MiB for the outbox's disk; with *at least
    /// once* 4096 messages or 8 MiB for the inbox.
    /// - Throws: `FTSLError`, when the message was not stored (`malformed-message`, `id-reused`,
    ///   `shutting-down`, `local-io`), or, asked to be accepted, was not (`Receipt.accepted()`);
    ///   `CancellationError` when the task was cancelled before it was stored, or, asked to
    ///   be accepted, before that: then it stays in the outbox.
    @discardableResult
    public func send(_ message: Message, until milestone: Milestone = .stored) async throws
        -> Receipt
    {
        let receipt = try await store(try message.checked())
        if milestone == .accepted { try await receipt.accepted() }
        return receipt
    }

    /// Ends the session, lets the outbox go, and returns.
    ///
    /// Messages in a file stay there until somebody delivers them: a messenger to the same
    /// destination, or `ftsl send`. Messages in memory are lost: wait for their outcomes before.
    public func close() async {
        await resident.finish { $0.close($1) }
    }

    private func store(_ message: NewMessage) async throws -> Receipt {
        guard let outbox, case .inline(let bytes) = message.body,
            bytes.readableBytes > Bound.inlineBody
        else { return try await submit(message) }
        let large = try await LargeBody.write(bytes, message.digest, outbox)
        var message = message
        message.body = .pieces(message.digest)
        let result: Result<Receipt, any Error>
        do {
            result = .success(try await submit(message))
        } catch {
            result = .failure(error)
        }
        await large.release()
        return try result.get()
    }

    private func submit(_ message: NewMessage) async throws -> Receipt {
        let (producer, fate) = try await resident.wait { $0.submit(message, $1) }
        return Receipt(message.envelope.id, producer, fate, self)
    }
}

/// A body that is too large for one row, on its way into an outbox's file.
private struct LargeBody: @unchecked Sendable {
    // Used by one thread at a time.
    private let body: OutboxBody

    /// Writes all of it, on a thread that may wait for the disk.
    static func write(
        _ bytes: ByteBuffer, _ digest: BodyDigest, _ outbox: String
    ) async throws -> LargeBody {
        try await onThread { () -> Result<LargeBody, any Error> in
            do {
                let body = try OutboxBody(outbox)
                var rest = bytes
                while rest.readableBytes > 0 {
                    let count = min(rest.readableBytes, Bound.inlineBody)
                    if let part = rest.readSlice(length: count) { try body.append(part) }
                }
                try body.finish(digest)
                return .success(LargeBody(body: body))
            } catch {
                return .failure(FTSLError.of(error))
            }
        }.get()
    }

    func release() async {
        await Self.onThread {
            do {
                try body.release()
            } catch {
                // What became of the message is known; the next courier tidies up.
            }
        }
    }

    /// Cancelled or not, it runs.
    private static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in continuation.resume(returning: body()) }
        }
    }
}
