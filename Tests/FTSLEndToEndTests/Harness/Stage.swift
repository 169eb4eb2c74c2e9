import Foundation
import TestSupport
import Testing

/// What one test works with: a folder, the programs it started, and an end that leaves nothing.
final class Stage: @unchecked Sendable {
    /// The stage of the running test.
    @TaskLocal static var current: Stage?

    let folder: String
    /// In the environment of everything this test starts, so that all of it can be found.
    private let mark = "FTSL_TEST_STAGE=\(UUID().uuidString)"
    private let lock = NSLock()
    private var programs: [Program] = []
    private var farewells: [() -> Void] = []
    private var cleanups: [() -> Void] = []

    init() throws {
        var template = Array("/tmp/ftsl-test-XXXXXX".utf8CString)
        guard let name = mkdtemp(&template) else { throw SystemFailure("mkdtemp") }
        folder = String(cString: name)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Starts a program.
    func start(_ launch: Launch) throws -> Program {
        var launch = launch
        let parts = mark.split(separator: "=")
        launch.environment[String(parts[0])] = String(parts[1])
        // Listeners, keys and settings of other tests, and of whoever runs this, are none of its
        // business.
        launch.environment["XDG_RUNTIME_DIR"] = launch.environment["XDG_RUNTIME_DIR"] ?? folder
        launch.environment["XDG_CONFIG_HOME"] =
            launch.environment["XDG_CONFIG_HOME"] ?? "\(folder)/config"
        launch.environment["XDG_STATE_HOME"] =
            launch.environment["XDG_STATE_HOME"] ?? "\(folder)/state"
        let program = try Program(launch)
        lock.withLock { programs.append(program) }
        return program
    }

    /// Runs a tool to its end and gives back what it wrote; a bad status is an error.
    @discardableResult
    func run(
        _ path: String, _ arguments: [String], _ limit: Duration = .seconds(30)
    ) throws -> String {
        let tool = try start(Launch(path: path, arguments: arguments))
        let end = try tool.wait(limit)
        guard end == .status(0) else {
            throw SystemFailure("\(tool.name): \(end): \(tool.errors?.text ?? "")", code: 0)
        }
        return try tool.output?.allText(limit) ?? ""
    }

    /// Does this at the end, while the programs still run.
    func beforeEnd(_ body: @escaping () -> Void) { lock.withLock { farewells.append(body) } }

    /// Does this at the end, the newest first.
    func atEnd(_ body: @escaping () -> Void) { lock.withLock { cleanups.append(body) } }

    /// Ends everything that was started here, and what that started in its turn.
    ///
    /// Returns where a private key was found.
    func close() -> [String] {
        for body in lock.withLock({ farewells }) { body() }
        for program in lock.withLock({ programs }) { program.destroy() }
        for pid in descendants() { kill(pid, SIGKILL) }
        for body in lock.withLock({ cleanups }).reversed() { body() }
        let leaks = leaks(in: lock.withLock { programs })
        try? FileManager.default.removeItem(atPath: folder)
        return leaks
    }

    private func descendants() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard pid != getpid(), let file = fopen("/proc/\(pid)/environ", "r") else {
                return false
            }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = fread(&bytes, 1, bytes.count, file)
            return bytes[..<count].split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
        }
    }
}

/// Gives each test of a suite a stage, and a thread on which it may block.
///
/// Tests wait for other processes; on the shared pool of as many threads as there are cores they
/// would wait for each other. `Crowd` limits how many run at once.
struct OnStage: SuiteTrait, TestTrait, TestScoping {
    /// Out of `Crowd.room`.
    var weight = 1
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil, Stage.current == nil else { return try await body() }
        await Crowd.shared.enter(weight)
        do {
            let stage = try Stage()
            defer {
                for place in stage.close() { Issue.record("a private key in \(place)") }
            }
            try await withTaskExecutorPreference(BlockingExecutor()) {
                try await Stage.$current.withValue(stage) { try await body() }
            }
        } catch {
            await Crowd.shared.leave(weight)
            throw error
        }
        await Crowd.shared.leave(weight)
    }
}

extension Trait where Self == OnStage {
    static var onStage: OnStage { OnStage() }
    /// For tests that keep a core busy, or that measure.
    static func onStage(weight: Int) -> OnStage { OnStage(weight: weight) }
}

/// The test's own stage.
var stage: Stage {
    get throws {
        guard let stage = Stage.current else { throw SystemFailure("no stage", code: 0) }
        return stage
    }
}

/// First come, first served, and never more at once than the machine can bear.
actor Crowd {
    static let shared = Crowd()
    static let room = 6

    private var free = Crowd.room
    private var waiting: [(weight: Int, go: CheckedContinuation<Void, Never>)] = []

    func enter(_ weight: Int) async {
        let weight = min(weight, Self.room)
        if waiting.isEmpty, free >= weight {
            free -= weight
            return
        }
        await withCheckedContinuation { waiting.append((weight, $0)) }
    }

    func leave(_ weight: Int) {
        free += min(weight, Self.room)
        while let next = waiting.first, free >= next.weight {
            free -= next.weight
            waiting.removeFirst()
            next.go.resume()
        }
    }
}
