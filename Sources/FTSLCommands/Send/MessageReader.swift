internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// `--frame`.
enum FrameFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case len32, netstring, json
}

/// How a stream of bytes is cut into messages.
enum Framing: Equatable {
    case whole, lines, null
    case frames(FrameFormat)

    var reader: any FrameReader {
        switch self {
        case .whole: WholeReader()
        case .lines: DelimitedReader(delimiter: 0x0A)
        case .null: DelimitedReader(delimiter: 0)
        case .frames(.len32): Length32Reader()
        case .frames(.netstring): NetstringReader()
        case .frames(.json): JSONFrameReader()
        }
    }
}

/// Reads messages from a source on demand; what was good before a mistake is given first.
final class MessageReader {
    /// Of one step: never empty.
    var onEvents: (([ReadEvent]) -> Void)?
    /// After every event: nil at the end of good input.
    var onEnd: ((Ending?) -> Void)?

    /// Bytes that are parsed in one step: so many empty messages may be in a chunk.
    private static let step = 16 << 10

    private let source: any ByteSource
    private var reader: any FrameReader
    private var assembler: MessageAssembler
    private var unread = ByteBuffer()
    private var isWanted = false
    private var isAdvancing = false
    private var isAsking = false
    private var ending: Ending??

    init(_ source: any ByteSource, _ framing: Framing, _ rules: MessageAssembler.Rules) {
        self.source = source
        reader = framing.reader
        assembler = MessageAssembler(rules)
        source.onBytes = { [unowned self] in
            isAsking = false
            unread = $0
            advance()
        }
        source.onEnd = { [unowned self] in
            isAsking = false
            inputEnded($0)
            advance()
        }
    }

    /// One call of `onEvents` or `onEnd` follows.
    func demand() {
        isWanted = true
        advance()
    }

    /// No more calls will follow.
    func cancel() {
        isWanted = false
        onEvents = nil
        onEnd = nil
        source.cancelInput(.sessionOver)
    }

    /// A demand from within a callback goes on in the loop below instead of nesting.
    private func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while isWanted {
            let events = assembler.takeEvents()
            if !events.isEmpty {
                isWanted = false
                onEvents?(events)
                continue
            }
            if let ending {
                isWanted = false
                onEnd?(ending)
                return
            }
            guard let part = unread.readPiece(Self.step) else {
                guard !isAsking else { return }
                isAsking = true
                source.demand()
                continue
            }
            parse { reader, assembler throws(BadInput) in
                try reader.read(part, into: &assembler)
            }
        }
    }

    private func inputEnded(_ failure: Failure?) {
        if let failure {
            ending = Ending(.inputOutput, failure.text, code: failure.code)
            return
        }
        parse { reader, assembler throws(BadInput) in try reader.finish(into: &assembler) }
        if ending == nil { ending = .some(nil) }
    }

    private func parse(
        _ body: (inout any FrameReader, inout MessageAssembler) throws(BadInput) -> Void
    ) {
        do {
            try body(&reader, &assembler)
        } catch {
            ending = .some(error.ending)
            unread = ByteBuffer()
        }
    }
}
