import FTSLCore
import FTSLKit
import NIOCore

@testable import FTSLCommands

/// Gives prepared chunks, one at each demand, and then an end.
final class ChunkSource: ByteSource {
    var onBytes: ((ByteBuffer) -> Void)?
    var onEnd: ((Failure?) -> Void)?
    private(set) var isCancelled = false
    private var chunks: [ByteBuffer]
    private let failure: Failure?

    init(_ chunks: [[UInt8]], failure: Failure? = nil) {
        self.chunks = chunks.map { ByteBuffer(bytes: $0) }
        self.failure = failure
    }

    func demand() {
        if chunks.isEmpty { onEnd?(failure) } else { onBytes?(chunks.removeFirst()) }
    }

    func cancelInput(_ reason: InputCancellation) { isCancelled = true }
}

/// Everything that reading gives.
struct Reading: Equatable {
    var events: [ReadEvent] = []
    var ending: Ending?

    init(
        _ chunks: [[UInt8]], _ framing: Framing,
        _ rules: MessageAssembler.Rules = MessageAssembler.Rules(), failure: Failure? = nil
    ) {
        let reader = MessageReader(ChunkSource(chunks, failure: failure), framing, rules)
        var read: [ReadEvent] = []
        var end: Ending??
        reader.onEvents = { [unowned reader] in
            read += $0
            reader.demand()
        }
        reader.onEnd = { end = .some($0) }
        reader.demand()
        guard let end else { preconditionFailure("a source that answers at once leaves no gap") }
        events = read
        ending = end
    }

    init(
        _ text: String, _ framing: Framing,
        _ rules: MessageAssembler.Rules = MessageAssembler.Rules()
    ) {
        self.init([Array(text.utf8)], framing, rules)
    }

    /// The bodies, large ones put together again.
    var bodies: [[UInt8]] {
        var bodies: [[UInt8]] = []
        var open: [UInt8]?
        for event in events {
            switch event {
            case .message(_, let body): bodies.append(Array(body.readableBytesView))
            case .begin: open = []
            case .piece(let bytes): open? += Array(bytes.readableBytesView)
            case .end:
                if let open { bodies.append(open) }
                open = nil
            }
        }
        return bodies
    }

    var texts: [String] { bodies.map { String(decoding: $0, as: UTF8.self) } }

    var drafts: [MessageDraft] {
        events.compactMap {
            switch $0 {
            case .message(let draft, _), .begin(let draft): draft
            case .piece, .end: nil
            }
        }
    }
}

extension MessageAssembler.Rules {
    static func most(_ maxMessage: UInt64, held: Int = 1 << 20) -> Self {
        Self(maxMessage: maxMessage, held: held)
    }
}
