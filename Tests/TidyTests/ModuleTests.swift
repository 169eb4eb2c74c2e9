import Testing

@Suite("Modules")
struct ModuleTests {
    /// Which modules each of ours may import: arrows only go down.
    private static let allowed: [String: Set<String>] = [
        "FTSLCore": ["NIOCore", "DequeModule", "HeapModule", "Crypto", "CXXHash"],
        "FTSLTransport": [
            "FTSLCore", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "X509", "SwiftASN1", "Crypto",
            "FoundationEssentials", "Dispatch", "Glibc", "Darwin",
        ],
        "FTSLStore": [
            "FTSLCore", "NIOCore", "CSQLite", "DequeModule", "Dispatch",
            "Synchronization", "Glibc", "Darwin",
        ],
        "FTSLSimulation": ["FTSLCore", "NIOCore", "DequeModule", "HeapModule"],
        "FTSLKit": [
            "FTSLCore", "FTSLTransport", "FTSLStore", "NIOCore", "NIOPosix",
            "NIOConcurrencyHelpers", "Dispatch", "DequeModule", "Glibc", "Darwin", "CPlatform",
            "Logging", "Metrics",
        ],
        "FTSLShell": [
            "FTSLKit", "FTSLCore", "NIOCore", "NIOPosix", "DequeModule", "CPlatform",
            "CReadline", "Glibc", "Darwin",
        ],
        "FTSLCommands": [
            "FTSLShell", "FTSLKit", "FTSLCore", "FTSLTransport", "FTSLStore", "NIOCore", "NIOPosix",
            "NIOConcurrencyHelpers", "NIOHTTP1", "ArgumentParser", "DequeModule",
            "FoundationEssentials", "Synchronization", "Glibc", "Darwin", "CPlatform",
        ],
        "ftsl": ["FTSLCommands"],
        "ftsl-sim": ["FTSLSimulation", "ArgumentParser", "Dispatch", "Glibc", "Darwin"],
    ]

    @Test("A module imports only what lies below it", arguments: Repository.sources)
    func arrows(file: SourceFile) throws {
        let allowed = try #require(Self.allowed[file.module], "\(file.module) has no arrows yet")
        for (number, module) in file.imports {
            #expect(allowed.contains(module), "\(file.path):\(number) imports \(module)")
        }
    }

    /// What would let the world into the core: files, sockets, clocks, chance, tasks.
    private static let banned = [
        #"\bFoundation"#, #"\bNIOPosix\b"#, #"\bGlibc\b"#, #"\bDispatch"#, #"\bEventLoop"#,
        #"\bNIODeadline\b"#, #"\bChannelHandler"#, #"\bContinuousClock\b"#, #"\bSuspendingClock\b"#,
        #"\bclock_gettime\b"#, #"\bDate\("#, #"\bSystemRandomNumberGenerator\b"#,
        #"\.random\(in: [^)]*\)$"#, #"\bTask\b *[{.]"#, #"\bawait\b"#, #"\basync\b"#, #"\bactor\b"#,
        #"\bprint\("#, #"\bdebugPrint\("#, #"\bgetenv\b"#, #"\bThread\b"#,
    ]

    @Test(
        "Core and simulation have no files, sockets, clock, tasks, or chance of their own",
        arguments: Repository.sources.filter {
            $0.module == "FTSLCore" || $0.module == "FTSLSimulation"
        })
    func purity(file: SourceFile) throws {
        let regex = try Regex(Self.banned.joined(separator: "|"))
        for (number, text) in file.code where text.contains(regex) {
            Issue.record("\(file.path):\(number): \(text)")
        }
    }

    @Test("The process ends in one place")
    func oneExit() throws {
        let pattern = try Regex(#"(^|[{;])\s*_?exit\("#)
        let places = Repository.sources
            .filter { $0.module != "ftsl-sim" }
            .filter { file in file.code.contains { $0.text.contains(pattern) } }
            .map(\.path)
        #expect(places == ["Sources/FTSLCommands/Ending/ProcessEnd.swift"])
    }
}
