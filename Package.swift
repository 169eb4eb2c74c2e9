// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Exclusive access is checked in debug builds; in release builds the checks cost more than the protocol.
    .unsafeFlags(["-warnings-as-errors"]),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// For a module whose tests look inside it in release builds too; never for one where speed counts.
let testable = settings + [.unsafeFlags(["-enable-testing"])]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "ftsl",
    products: [
        .executable(name: "ftsl", targets: ["ftsl"]),
        .library(name: "FTSLKit", targets: ["FTSLKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CReadline", providers: [.apt(["libreadline-dev"])]),
        .target(name: "CPlatform"),
        .target(
            name: "FTSLCore", dependencies: ["CXXHash", nioCore, crypto, deque, heap],
            swiftSettings: settings),
        .target(
            name: "FTSLTransport",
            dependencies: ["FTSLCore", nioCore, nioPosix, nioSSL, nioTLS, x509, asn1, crypto],
            swiftSettings: settings),
        .target(
            name: "FTSLStore", dependencies: ["FTSLCore", "CSQLite", nioCore, deque],
            swiftSettings: settings,
            // Linked in, as readline is: loading it would take a millisecond of every start.
            linkerSettings: [.unsafeFlags(["-Xlinker", "-l:libsqlite3.a"])]),
        .target(
            name: "FTSLKit",
            dependencies: [
                "FTSLCore", "FTSLTransport", "FTSLStore", "CPlatform", nioCore, nioPosix, crypto,
                deque, logging, metrics,
            ],
            swiftSettings: settings),
        .target(
            name: "FTSLShell",
            dependencies: [
                "FTSLKit", "FTSLCore", "CPlatform", "CReadline", nioCore, nioPosix, deque,
            ],
            swiftSettings: settings,
            linkerSettings: [
                // Linked in: loading them would cost every command half a millisecond.
                .unsafeFlags(["-Xlinker", "-l:libreadline.a", "-Xlinker", "-l:libtinfo.a"])
            ]),
        .target(
            name: "FTSLSimulation", dependencies: ["FTSLCore", nioCore, deque],
            swiftSettings: settings),
        .target(
            name: "FTSLCommands",
            dependencies: [
                "CPlatform", "FTSLShell", "FTSLKit", "FTSLCore", "FTSLTransport", "FTSLStore",
                nioCore, nioPosix, nioHTTP1, deque, argumentParser,
            ],
            swiftSettings: testable),
        .executableTarget(
            name: "ftsl", dependencies: ["FTSLCommands"], swiftSettings: settings,
            linkerSettings: [
                .unsafeFlags([
                    "-static-stdlib", "-l_FoundationCShims", "-l_FoundationCollections",
                    "-lswiftSynchronization",
                    // Nobody loads a plug-in: names that are not exported need no look-up at the start.
                    "-Xlinker", "--no-export-dynamic",
                ])
            ]),
        .executableTarget(
            name: "ftsl-sim", dependencies: ["FTSLSimulation", argumentParser],
            swiftSettings: settings),
        .executableTarget(
            name: "ftsl-bench",
            dependencies: [
                "FTSLKit", "FTSLCore", "FTSLTransport", "FTSLStore", nioCore, nioPosix,
                argumentParser,
            ],
            path: "Tests/Benchmarks/ftsl-bench",
            swiftSettings: [.swiftLanguageMode(.v6)]),
        .testTarget(
            name: "FTSLCoreTests", dependencies: ["FTSLCore", nioCore], exclude: ["Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "FTSLSimulationTests",
            dependencies: ["TestSupport", "FTSLSimulation", "FTSLCore", nioCore],
            swiftSettings: settings),
        .testTarget(
            name: "FTSLCommandsTests",
            dependencies: [
                "FTSLCommands", "FTSLKit", "FTSLStore", "FTSLCore", nioCore, nioPosix,
                argumentParser,
            ], swiftSettings: settings),
        .testTarget(
            name: "FTSLTransportTests", dependencies: ["FTSLTransport", nioSSL],
            swiftSettings: settings),
        .testTarget(
            name: "FTSLKitTests",
            dependencies: [
                "FTSLKit", "FTSLTransport", "FTSLCore", "FTSLStore", nioCore, nioPosix,
                nioEmbedded, logging, metrics, metricsTestKit,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FTSLStoreTests", dependencies: ["FTSLStore", "FTSLCore", nioCore],
            exclude: ["Fixtures"], swiftSettings: settings),
        .testTarget(
            name: "FTSLShellTests", dependencies: ["FTSLShell", "FTSLKit", "FTSLCore", nioCore],
            swiftSettings: settings),
        .testTarget(
            name: "FTSLEndToEndTests", dependencies: ["TestSupport", "CPlatform"],
            swiftSettings: settings),
        .testTarget(
            name: "FTSLPerformanceTests", dependencies: ["TestSupport"], swiftSettings: settings),
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        .target(
            name: "FTSLFuzzing", dependencies: ["FTSLCore", nioCore],
            path: "Tests/FTSLFuzzTests/Entries", swiftSettings: settings),
        .testTarget(
            name: "FTSLFuzzTests", dependencies: ["TestSupport", "FTSLFuzzing"],
            path: "Tests/FTSLFuzzTests",
            exclude: ["Entries", "Program", "Corpus", "seed_corpus.py"], sources: ["Checks"],
            swiftSettings: settings),
    ]
)

// libFuzzer brings the main function, so the fuzzer builds only in a build of its own: `make fuzz`.
if Context.environment["FTSL_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "ftsl-fuzz", dependencies: ["FTSLFuzzing"], path: "Tests/FTSLFuzzTests/Program",
            swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-parse-as-library"])]))
}
