internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLTransport
internal import NIOCore

/// A source that knows whether all of it was wanted.
protocol EndingSource: ByteSource {
    /// Told just after `onEnd` at a clean end.
    var onEndOfInput: (() -> Void)? { get set }
    /// Something was read that nobody wanted any more.
    var isLeftOver: Bool { get }
}

extension DescriptorSource: EndingSource {}
extension LineSource: EndingSource {}
extension KeySource: EndingSource {}

/// What a client's session is connected to at this end, and who is told how it goes.
protocol ConnectFront: AnyObject {
    /// The session's input; asked once, when there is a session.
    func input(on loop: any EventLoop) -> any EndingSource
    func output(on loop: any EventLoop) -> any ByteSink
    func errorOutput(on loop: any EventLoop) -> any ByteSink
    /// A line of stderr is free for a meter.
    var hasRoomForMeter: Bool { get }
    /// Connected, lost, back, or half-closed.
    func changed()
    /// Asks a person about a key; false where there is nobody.
    func ask(
        _ key: Fingerprint, at endpoint: Endpoint, on loop: any EventLoop,
        answered: @escaping (Bool) -> Void
    ) -> Bool
    /// The last thing told.
    func ended(_ ending: Ending)
}

/// The standard streams of a process that ends with its session.
final class StandardFront: ConnectFront {
    private let log: Log

    init(log: Log) { self.log = log }

    func input(on loop: any EventLoop) -> any EndingSource {
        DescriptorSource(descriptor: 0, on: loop)
    }

    func output(on loop: any EventLoop) -> any ByteSink {
        DescriptorSink(descriptor: 1, ending: .close, on: loop)
    }

    func errorOutput(on loop: any EventLoop) -> any ByteSink {
        DescriptorSink(descriptor: 2, ending: .leaveOpen, on: loop)
    }

    var hasRoomForMeter: Bool { true }
    func changed() {}

    func ask(
        _ key: Fingerprint, at endpoint: Endpoint, on loop: any EventLoop,
        answered: @escaping (Bool) -> Void
    ) -> Bool {
        guard let question = PeerQuestion(on: loop) else { return false }
        question.ask(key, at: endpoint, answered: answered)
        return true
    }

    func ended(_ ending: Ending) { ProcessEnd.with(ending, log) }
}
