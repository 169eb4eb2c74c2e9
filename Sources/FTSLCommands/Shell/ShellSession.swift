internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLTransport
internal import NIOCore

/// One session of a shell: what is typed goes in, what comes is printed.
final class ShellSession: ConnectFront {
    let name: String
    /// The endpoint as it was given: under it the history is kept.
    let place: String
    let lines = LineSource()
    private(set) var client: ConnectClient?
    /// The beginning of the peer's line that has no end yet.
    private(set) var beginning = ""
    private let shell: SessionShell

    init(name: String, place: String, in shell: SessionShell) {
        self.name = name
        self.place = place
        self.shell = shell
        lines.onEmpty = { [unowned self] in shell.emptied(self) }
    }

    func start(
        _ endpoints: [Endpoint], _ options: ConnectOptions, _ global: GlobalOptions, log: Log,
        on loop: any EventLoop
    ) throws {
        let client = try ConnectClient(
            endpoints, options: options, global: global, log: log, front: self)
        self.client = client
        client.start(on: loop)
    }

    /// Nothing more will come: lets go of the client, which holds this.
    func release() { client = nil }

    var isOpen: Bool { client?.monitor != nil }
    var state: Prompt.State {
        let state = client?.state ?? .ending
        return lines.isFinished && state == .connected ? .ending : state
    }

    // MARK: ConnectFront

    func input(on loop: any EventLoop) -> any EndingSource {
        shell.terminal(of: self)?.keys ?? lines
    }

    func output(on loop: any EventLoop) -> any ByteSink {
        if let terminal = shell.lendTerminal(to: self) { return terminal.screen }
        guard let sink = shell.sink(of: self) else {
            return DescriptorSink(descriptor: 1, ending: .leaveOpen, on: loop)
        }
        sink.onBeginning = { [unowned self] in
            beginning = $0
            shell.showPrompt()
        }
        return sink
    }

    func errorOutput(on loop: any EventLoop) -> any ByteSink {
        shell.sink(of: self) ?? DescriptorSink(descriptor: 2, ending: .leaveOpen, on: loop)
    }

    /// The last line is the one being typed.
    let hasRoomForMeter = false

    func changed() { shell.changed(self) }

    func ask(
        _ key: Fingerprint, at endpoint: Endpoint, on loop: any EventLoop,
        answered: @escaping (Bool) -> Void
    ) -> Bool {
        shell.ask(PeerQuestion.text(key, at: endpoint), answered)
    }

    func ended(_ ending: Ending) { shell.ended(self, ending) }
}
