import Foundation
import Testing

/// The binary under test.
enum Tool {
    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["FTSL_BINARY"] { return path }
        return FileManager.default.currentDirectoryPath + "/.build/release/ftsl"
    }()

    /// The folder `Tests`.
    static let tests = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
}

/// A listener that is ready.
struct Listener {
    let program: Program
    /// As it was written to `--ready-fd`.
    let endpoint: String

    var port: Int { Int(endpoint.split(separator: ":").last ?? "") ?? 0 }
    var errors: Collector { get throws { try #require(program.errors) } }
    var output: Collector { get throws { try #require(program.output) } }
}

extension Stage {
    /// Runs `ftsl` with these arguments.
    func ftsl(
        _ arguments: [String], input: Input = .null, output: Output = .collected,
        errors: Output = .collected, extra: [CInt: Descriptor] = [:],
        terminal: PseudoTerminal? = nil, under wrapper: [String] = []
    ) throws -> Program {
        let line = wrapper + [Tool.path] + arguments
        return try start(
            Launch(
                path: line[0], arguments: Array(line.dropFirst()), input: input, output: output,
                errors: errors, extra: extra, terminal: terminal))
    }

    /// Starts `ftsl listen` and waits until it is ready.
    func listen(
        _ options: [String] = [], at endpoint: String = ":0", input: Input = .null,
        output: Output = .collected, errors: Output = .collected,
        terminal: PseudoTerminal? = nil, under wrapper: [String] = []
    ) throws -> Listener {
        let (ready, write) = try Descriptor.pipe()
        let program = try ftsl(
            ["listen", endpoint, "--ready-fd", "9"] + options, input: input, output: output,
            errors: errors, extra: [9: write], terminal: terminal, under: wrapper)
        write.close()
        // A wrapper may keep the other end open too.
        let line =
            try wrapper.isEmpty
            ? Collector(ready).allText(.seconds(20))
            : Collector(ready).line(containing: ":", .seconds(20)) + "\n"
        guard line.hasSuffix("\n") else {
            let text = try program.errors?.allText(.seconds(5)) ?? ""
            throw SystemFailure("listen did not become ready: \(text)", code: 0)
        }
        return Listener(program: program, endpoint: String(line.dropLast()))
    }

    func connect(
        _ endpoint: String, _ options: [String] = [], input: Input = .null,
        output: Output = .collected, errors: Output = .collected,
        extra: [CInt: Descriptor] = [:], terminal: PseudoTerminal? = nil,
        under wrapper: [String] = []
    ) throws -> Program {
        try ftsl(
            ["connect", endpoint] + options, input: input, output: output, errors: errors,
            extra: extra, terminal: terminal, under: wrapper)
    }

    func connect(
        _ listener: Listener, _ options: [String] = [], input: Input = .null,
        output: Output = .collected, errors: Output = .collected,
        extra: [CInt: Descriptor] = [:], terminal: PseudoTerminal? = nil
    ) throws -> Program {
        try connect(
            listener.endpoint, options, input: input, output: output, errors: errors,
            extra: extra, terminal: terminal)
    }
}

/// Expects a status, and shows what the program said if it is another.
func expectStatus(
    _ status: Int32, _ program: Program, _ limit: Duration = .seconds(30),
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let end = try program.wait(limit)
    #expect(
        end == .status(status), "\(program.name): \(program.errors?.text.suffix(2000) ?? "")",
        sourceLocation: sourceLocation)
}

/// The object that `--summary json` writes at the end.
func summary(of program: Program) throws -> JSONObject {
    let errors = try #require(program.errors)
    _ = try errors.all()
    return try #require(errors.objects.last, "\(errors.text.suffix(2000))")
}
