import Foundation
import Testing

extension Stage {
    /// The outbox and the inbox of the test.
    var outbox: String { path("outbox.db") }
    var inbox: String { path("inbox.db") }

    /// A listener with the test's inbox.
    func listenForMessages(
        _ options: [String] = [], at endpoint: String = ":0", under wrapper: [String] = []
    ) throws -> Listener {
        try listen(["-q", "--inbox", inbox] + options, at: endpoint, under: wrapper)
    }

    /// Starts `ftsl send` with the test's outbox and this on its standard input.
    func send(
        _ arguments: [String], input bytes: Data? = nil, under wrapper: [String] = []
    ) throws -> Program {
        var input = Input.null
        if let bytes {
            let file = path("input-\(UUID().uuidString)")
            try bytes.write(to: URL(fileURLWithPath: file))
            input = .file(file)
        }
        return try ftsl(
            ["send", "--outbox", outbox] + arguments, input: input, under: wrapper)
    }

    func send(_ arguments: [String], lines: some Sequence<Int>) throws -> Program {
        try send(["-l"] + arguments, input: Data(lines.map { "\($0)\n" }.joined().utf8))
    }

    func tail(_ arguments: [String], extra: [CInt: Descriptor] = [:]) throws -> Program {
        try ftsl(["tail", "-q"] + arguments, extra: extra)
    }

    /// What `ftsl tail` prints of all that is in the inbox, or from where the arguments say.
    func lines(_ arguments: [String]) throws -> [String] {
        let program = try tail(["-e"] + arguments)
        try expectStatus(0, program)
        return try program.output?.allText().split(
            separator: "\n", omittingEmptySubsequences: false
        ).dropLast().map(String.init) ?? []
    }

    func bodies(in place: String) throws -> [String] {
        try lines(["--from", "beginning", place])
    }

    /// A Python program of this project, with its own folder for whatever it needs.
    func python(
        _ script: String, _ arguments: [String], _ limit: Duration
    ) throws -> (status: ProcessEnd, output: String, errors: String) {
        let program = try start(
            Launch(
                path: "/usr/bin/python3", arguments: ["-B", "\(Tool.tests)/\(script)"] + arguments,
                environment: ["TMPDIR": folder]))
        let end = try program.wait(limit)
        return (end, try program.output?.allText() ?? "", try program.errors?.allText() ?? "")
    }
}
