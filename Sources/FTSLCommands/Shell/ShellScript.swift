internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// The lines of a shell without a terminal, read one at a time.
final class ShellScript {
    /// A line; nil: there are no more.
    enum Item {
        case line(String)
        case end(Failure?)
    }

    private let source: DescriptorSource?
    private var text: [UInt8]
    private var isEnded: Bool
    private var failure: Failure?
    private var asked: ((Item) -> Void)?

    /// - Parameter command: the lines; nil: those of stdin.
    init(_ command: String?, on loop: any EventLoop) {
        text = Array((command ?? "").utf8)
        isEnded = command != nil
        source = command == nil ? DescriptorSource(descriptor: 0, on: loop) : nil
        source?.onBytes = { [unowned self] in
            text += $0.readableBytesView
            answer()
        }
        source?.onEnd = { [unowned self] in
            isEnded = true
            failure = $0
            answer()
        }
    }

    /// Answers once, now or later.
    func next(_ body: @escaping (Item) -> Void) {
        asked = body
        answer()
    }

    private func answer() {
        guard let body = asked else { return }
        if let end = text.firstIndex(of: 0x0A) {
            let line = String(decoding: text[..<end], as: UTF8.self)
            text.removeFirst(end + 1)
            asked = nil
            body(.line(line))
        } else if isEnded {
            asked = nil
            guard !text.isEmpty else { return body(.end(failure)) }
            let line = String(decoding: text, as: UTF8.self)
            text = []
            body(.line(line))
        } else if text.count > Self.longest {
            asked = nil
            body(.end(Failure(.local, .malformedMessage, "a line is longer than 16 MiB")))
        } else {
            source?.demand()
        }
    }

    private static let longest = 16 << 20
}
