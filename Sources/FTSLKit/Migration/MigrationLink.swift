internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// One end of the talk of two hosts: messages on the main stream of a session.
final class MigrationLink: SessionApplication {
    let handle: SessionHandle
    /// Answers must be given by `took`, so that a slow disk slows the sender down.
    var onMessage: ((MigrationMessage, _ size: Int) -> Void)?
    /// Everything that was said is on its way; there is room for more.
    var onRoom: (() -> Void)?
    /// The other end is gone for good, or breaks the rules.
    var onEnded: ((Failure) -> Void)?
    /// The connection is lost, for a while or for good.
    var onDetached: (() -> Void)?
    private(set) var isAttached = true
    private var input = ByteBuffer()
    /// Somebody else may hold a part of it.
    private var isInputShared = false
    private var queue = Deque<ByteBuffer>()
    private var isOver = false

    init(_ handle: SessionHandle) { self.handle = handle }

    func send(_ message: MigrationMessage) {
        guard !isOver else { return }
        queue.append(contentsOf: message.encoded())
        flush()
    }

    var hasRoom: Bool { queue.isEmpty && handle.room(on: .main) > 0 }

    private func flush() {
        while let next = queue.first, handle.room(on: .main) > 0 {
            queue.removeFirst()
            handle.write(next, to: .main)
        }
    }

    /// The message is used up.
    func took(_ size: Int) { handle.took(size, from: .main) }

    /// Nothing more will be said here.
    func finish() {
        guard !isOver else { return }
        isOver = true
        while let next = queue.popFirst() { handle.write(next, to: .main) }
        handle.finish(.main)
    }

    // MARK: SessionApplication

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        gather(bytes)
        do {
            var before = input.readableBytes
            while let message = try MigrationMessage.next(from: &input) {
                let size = before - input.readableBytes
                before = input.readableBytes
                isInputShared = true
                if let onMessage { onMessage(message, size) } else { took(size) }
            }
        } catch {
            handle.abort(error)
            ended(error)
        }
    }

    /// Pieces of what came are held by the disk's queue: appending to them would copy them all.
    private func gather(_ bytes: ByteBuffer) {
        guard input.readableBytes > 0 else {
            input = bytes
            isInputShared = true
            return
        }
        guard isInputShared else {
            input.writeImmutableBuffer(bytes)
            return
        }
        isInputShared = false
        var all = ByteBuffer()
        all.reserveCapacity(input.readableBytes + bytes.readableBytes)
        all.writeBuffer(&input)
        all.writeImmutableBuffer(bytes)
        input = all
    }

    func finished(_ channel: ChannelNumber) {
        handle.tookEnd(channel)
        finish()
    }

    func stopped(_ channel: ChannelNumber, at position: UInt64) {}

    func room(on channel: ChannelNumber) {
        flush()
        if hasRoom { onRoom?() }
    }

    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) {
        isAttached = false
        onDetached?()
    }
    func attached(resumed: Bool) { isAttached = true }

    func settled(_ outcome: Outcome) {
        switch outcome {
        case .complete, .stopped:
            ended(Failure(.peer, .migrationAborted, "the other host ended the talk"))
        case .aborted(let failure, _, _), .lost(let failure, _, _): ended(failure)
        }
    }

    private func ended(_ failure: Failure) {
        isOver = true
        let tell = onEnded
        onEnded = nil
        onMessage = nil
        onRoom = nil
        tell?(failure)
    }
}
