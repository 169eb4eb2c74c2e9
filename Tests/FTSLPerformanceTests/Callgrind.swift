import Foundation

/// Counts the instructions of `ftsl-bench hot-paths`.
enum Callgrind {
    struct Trouble: Error, CustomStringConvertible {
        var description: String
    }

    private static let environment = ProcessInfo.processInfo.environment

    static let isCI = environment["CI"].map { !["", "false", "0"].contains($0) } ?? false
    static let showsCounts = environment["FTSL_SHOW_COUNTS"] == "1"

    static func find(_ program: String) -> String? {
        (environment["PATH"] ?? "").split(separator: ":").lazy.map { "\($0)/\(program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Beside the binary under test.
    private static var bench: String {
        let binary =
            environment["FTSL_BINARY"]
            ?? FileManager.default.currentDirectoryPath + "/.build/release/ftsl"
        return URL(fileURLWithPath: binary).deletingLastPathComponent().path + "/ftsl-bench"
    }

    /// A copy without debug information: Debian's valgrind does not read all of DWARF 5.
    private static let stripped = Result<String, any Error> {
        let copy = bench + "-counted"
        guard FileManager.default.isExecutableFile(atPath: bench) else {
            throw Trouble(description: "\(bench) is not built")
        }
        if let strip = find("strip") {
            _ = try run(strip, ["-g", "-o", copy, bench])
        } else if let objcopy = find("llvm-objcopy") {
            _ = try run(objcopy, ["--strip-debug", bench, copy])
        } else {
            throw Trouble(description: "neither strip nor llvm-objcopy is installed")
        }
        return copy
    }

    /// Instructions per operation: the start of the program and its first, cold operations cancel
    /// out.
    static func instructionsPerOperation(_ path: String, from few: Int, to many: Int) throws -> Int
    {
        let least = try count(path, few)
        return (try count(path, many) - least) / (many - few)
    }

    private static func count(_ path: String, _ operations: Int) throws -> Int {
        guard let valgrind = find("valgrind") else {
            throw Trouble(description: "valgrind is not installed")
        }
        let text = try run(
            valgrind,
            [
                "--tool=callgrind", "--callgrind-out-file=/dev/null", try stripped.get(),
                "hot-paths", path, "--count", "\(operations)",
            ])
        let line = text.split(separator: "\n").first { $0.contains("Collected") }
        guard let number = line?.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw Trouble(description: "valgrind told no count:\n\(text)")
        }
        return number
    }

    /// Runs a program to its end; what it writes to both outputs.
    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationStatus == 0 else {
            throw Trouble(
                description: "\(program) ended with \(process.terminationStatus): \(text)")
        }
        return text
    }
}
