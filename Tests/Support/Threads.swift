import Foundation
public import Testing

/// Runs each piece of a test on a thread that may block.
public final class BlockingExecutor: TaskExecutor {
    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        Thread.detachNewThread { [self] in
            withExtendedLifetime(self) { job.runSynchronously(on: executor) }
        }
    }
}

/// Runs tests that compute for seconds one after the other, beside the shared pool.
///
/// The pool has as many threads as there are cores. Whoever keeps them busy lets everything that
/// awaits something stand still, until its time limit is over.
public struct Computing: SuiteTrait, TestTrait, TestScoping {
    private final class Executor: TaskExecutor {
        let queue = DispatchQueue(label: "computing tests")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            let executor = asUnownedTaskExecutor()
            queue.async { job.runSynchronously(on: executor) }
        }
    }

    private static let executor = Executor()

    public var isRecursive: Bool { true }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await body() }
        try await withTaskExecutorPreference(Self.executor) { try await body() }
    }
}

extension Trait where Self == Computing {
    public static var computing: Computing { Computing() }
}
