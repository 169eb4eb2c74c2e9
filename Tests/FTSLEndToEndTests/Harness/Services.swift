import Foundation
import Testing

extension Stage {
    /// Starts a server that needs to be told its port, and waits until it accepts connections.
    func serve(_ makeLaunch: (Int) throws -> Launch) throws -> (program: Program, port: Int) {
        // Somebody may take the port between our look and the server's: then again.
        for _ in 1...5 {
            let port = try Socket.unusedPort()
            let program = try start(makeLaunch(port))
            try eventually("a server on port \(port), or its end") {
                program.end != nil || (try? Socket.connect(port)) != nil
            }
            if program.end == nil { return (program, port) }
            let text = try program.errors?.allText() ?? ""
            guard text.localizedCaseInsensitiveContains("in use") else {
                throw SystemFailure("\(program.name): \(text)", code: 0)
            }
        }
        throw SystemFailure("no free port", code: 0)
    }

    /// Cuts the relay's connections after every so many bytes, until the test is over.
    func keepCutting(_ relay: Relay, every bytes: Int) -> Watched<Int> {
        let cuts = Watched(0)
        let isOver = Watched(false)
        atEnd { isOver.change { $0 = true } }
        Thread.detachNewThread {
            while !isOver.current {
                // The limit lets this thread see the end of the test.
                guard (try? relay.carried((cuts.current + 1) * bytes, .seconds(1))) != nil else {
                    continue
                }
                relay.cut()
                cuts.change { $0 += 1 }
            }
        }
        return cuts
    }

    /// Writes random bytes into a file and gives back its path.
    func randomFile(_ name: String, _ count: Int, seed: UInt64 = 21) throws -> String {
        var bytes = Data(count: count)
        bytes.withUnsafeMutableBytes { RandomStream(seed: seed).fill($0, from: 0) }
        try bytes.write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}

/// Two files, or folders, with the same content.
func expectSame(
    _ left: String, _ right: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let tool = try stage.start(
        Launch(path: "diff", arguments: ["-r", "-q", "--no-dereference", left, right]))
    let end = try tool.wait(.seconds(60))
    #expect(
        end == .status(0), "\(tool.output?.text ?? "")\(tool.errors?.text ?? "")",
        sourceLocation: sourceLocation)
}
