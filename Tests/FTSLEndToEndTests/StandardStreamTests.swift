import Foundation
import Testing

/// What descriptor 0 or 1 can be.
enum StreamKind: String, CaseIterable, CustomTestStringConvertible {
    case pipe, terminal, file, socket, null, closed
    var testDescription: String { rawValue }
}

/// A standard input of some kind, with a text in it where the kind can hold one.
private struct Source {
    let kind: StreamKind
    let input: Input
    let text: String
    private let writer: Descriptor?
    private let shared: Descriptor?

    init(_ kind: StreamKind, _ text: String, _ terminal: PseudoTerminal, _ name: String) throws {
        self.kind = kind
        var text = text
        switch kind {
        case .pipe:
            let (read, write) = try Descriptor.pipe()
            (input, writer, shared) = (.descriptor(read), write, read)
        case .terminal: (input, writer, shared) = (.terminal, terminal.master, terminal.slave)
        case .file:
            let path = try stage.path(name)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let file = try Descriptor(opening: path, O_RDONLY)
            (input, writer, shared) = (.descriptor(file), nil, file)
        case .socket:
            let (near, far) = try Descriptor.socketPair()
            (input, writer, shared) = (.descriptor(far), near, far)
        case .null:
            (input, writer, shared) = (.null, nil, nil)
            text = ""
        case .closed:
            (input, writer, shared) = (.closed, nil, nil)
            text = ""
        }
        self.text = text
    }

    /// Writes the text and the end.
    func play() {
        guard let writer else { return }
        writer.write(text)
        if kind == .terminal { writer.write("\u{4}") } else { writer.close() }
    }

    var isNonBlocking: Bool { shared?.isNonBlocking ?? false }
}

/// A standard output of some kind, with what arrived there.
private struct Sink {
    let kind: StreamKind
    let output: Output
    let shared: Descriptor?
    private let collector: Collector?
    private let path: String?

    init(_ kind: StreamKind, _ terminal: PseudoTerminal, _ name: String) throws {
        self.kind = kind
        let path = try stage.path(name)
        switch kind {
        case .pipe:
            let (read, write) = try Descriptor.pipe()
            (output, shared, collector) = (.descriptor(write), write, Collector(read))
        case .terminal:
            output = .terminal
            (shared, collector) = (terminal.slave, Collector(terminal.master))
        case .file:
            let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_TRUNC)
            (output, shared, collector) = (.descriptor(file), file, nil)
        case .socket:
            let (near, far) = try Descriptor.socketPair()
            (output, shared, collector) = (.descriptor(far), far, Collector(near))
        case .null: (output, shared, collector) = (.null, nil, nil)
        case .closed: (output, shared, collector) = (.closed, nil, nil)
        }
        self.path = kind == .file ? path : nil
    }

    /// Nil where nothing can arrive.
    func text(containing part: String) throws -> String? {
        if let path { return try String(contentsOfFile: path, encoding: .utf8) }
        guard let collector else { return nil }
        if kind == .terminal { return try collector.line(containing: part) }
        shared?.close()
        return try collector.allText()
    }

    var isNonBlocking: Bool { shared?.isNonBlocking ?? false }
}

@Suite("Standard input and output of every kind", .onStage)
struct StandardStreamTests {
    @Test("Pipes at both ends carry both directions")
    func pipes() throws {
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("to the listener")
        client.input?.close()
        listener.program.input?.write("to the client")
        listener.program.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try client.output?.allText() == "to the client")
        #expect(try listener.output.allText() == "to the listener")
    }

    @Test(
        "connect reads every kind of input and leaves its modes alone",
        arguments: StreamKind.allCases)
    func connectInput(_ kind: StreamKind) throws {
        let terminal = try PseudoTerminal()
        let modes = terminal.modes
        let source = try Source(kind, "from a \(kind)\n", terminal, "input")
        let listener = try stage.listen()
        let client = try stage.connect(
            listener, input: source.input, terminal: kind == .terminal ? terminal : nil)
        source.play()
        try expectStatus(0, listener.program)
        #expect(!source.isNonBlocking)
        try expectStatus(0, client)
        #expect(try listener.output.allText() == source.text)
        #expect(!source.isNonBlocking)
        #expect(terminal.modes == modes)
    }

    @Test(
        "listen reads every kind of input and leaves its modes alone",
        arguments: StreamKind.allCases)
    func listenInput(_ kind: StreamKind) throws {
        let terminal = try PseudoTerminal()
        let modes = terminal.modes
        let source = try Source(kind, "from a \(kind)\n", terminal, "input")
        let listener = try stage.listen(
            input: source.input, terminal: kind == .terminal ? terminal : nil)
        let client = try stage.connect(listener)
        source.play()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try client.output?.allText() == source.text)
        #expect(!source.isNonBlocking)
        #expect(terminal.modes == modes)
    }

    @Test("connect writes to every kind of output", arguments: StreamKind.allCases)
    func connectOutput(_ kind: StreamKind) throws {
        let terminal = try PseudoTerminal()
        let modes = terminal.modes
        let sink = try Sink(kind, terminal, "output")
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(
            listener, output: sink.output, terminal: kind == .terminal ? terminal : nil)
        listener.program.input?.write("to a \(kind)\n")
        listener.program.input?.close()
        // A closed output takes nothing: that is an error of this machine, and the peer is told.
        try expectStatus(kind == .closed ? 74 : 0, client)
        try expectStatus(kind == .closed ? 80 : 0, listener.program)
        #expect(!sink.isNonBlocking)
        if let text = try sink.text(containing: "to a") { #expect(text.hasPrefix("to a \(kind)")) }
        #expect(terminal.modes == modes)
    }

    @Test("listen writes to every kind of output", arguments: StreamKind.allCases)
    func listenOutput(_ kind: StreamKind) throws {
        let terminal = try PseudoTerminal()
        let modes = terminal.modes
        let sink = try Sink(kind, terminal, "output")
        let listener = try stage.listen(
            output: sink.output, terminal: kind == .terminal ? terminal : nil)
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("to a \(kind)\n")
        client.input?.close()
        try expectStatus(kind == .closed ? 74 : 0, listener.program)
        try expectStatus(kind == .closed ? 80 : 0, client)
        #expect(!sink.isNonBlocking)
        if let text = try sink.text(containing: "to a") { #expect(text.hasPrefix("to a \(kind)")) }
        #expect(terminal.modes == modes)
    }

    @Test("Nothing to write to a closed output is no error")
    func closedButEmpty() throws {
        let listener = try stage.listen(output: .closed)
        let client = try stage.connect(listener, output: .closed)
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
    }

    @Test("A file far larger than every buffer arrives whole, from a file into a file")
    func largeFile() throws {
        let size = 48 << 20
        var bytes = Data(count: size)
        bytes.withUnsafeMutableBytes { RandomStream(seed: 1).fill($0, from: 0) }
        try bytes.write(to: URL(fileURLWithPath: stage.path("in")))
        let listener = try stage.listen(output: .file(stage.path("out")))
        let client = try stage.connect(listener, input: .file(stage.path("in")))
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try Data(contentsOf: URL(fileURLWithPath: stage.path("out"))) == bytes)
    }

    @Test("A descriptor shared with other programs stays in blocking mode while the session runs")
    func sharedDescriptors() throws {
        let (mine, shared) = try Descriptor.socketPair()
        let listener = try stage.listen()
        let client = try stage.connect(
            listener, input: .descriptor(shared), output: .descriptor(shared))
        mine.write("hello")
        try listener.output.atLeast(5)
        #expect(!shared.isNonBlocking)
        client.signal(SIGKILL)
        try client.wait()
        #expect(!shared.isNonBlocking)
    }

    @Test("An input that was non-blocking before works, and stays so")
    func alreadyNonBlocking() throws {
        let (read, write) = try Descriptor.pipe()
        _ = fcntl(read.raw, F_SETFL, O_NONBLOCK)
        let listener = try stage.listen()
        let client = try stage.connect(listener, input: .descriptor(read))
        write.write("first")
        try listener.output.atLeast(5)
        write.write(" second")
        write.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try listener.output.allText() == "first second")
        #expect(read.isNonBlocking)
    }

    @Test("A closed standard error is no place for a socket of ours")
    func closedErrors() throws {
        let listener = try stage.listen(input: .closed, output: .collected, errors: .closed)
        let client = try stage.connect(listener, ["-v"], input: .pipe, errors: .closed)
        client.input?.write("quiet")
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try listener.output.allText() == "quiet")
    }
}
