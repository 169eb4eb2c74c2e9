internal import NIOCore

/// A task that waits for something on an event loop: resumed once, by that or by its cancellation.
///
/// All but `wait` is called on the loop only.
final class Waiter<Value: Sendable>: @unchecked Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Value, any Error>)
        case over
    }

    private var state = State.new
    /// Cancellation comes too late: the result is waited for.
    var isCommitted = false
    /// The task no longer waits; what holds the waiter may forget it.
    var onCancelled: (() -> Void)?

    private init() {}

    /// Suspends the task until `begin` or something later resumes it.
    static func wait(
        on loop: any EventLoop, _ begin: @escaping @Sendable (Waiter) -> Void
    ) async throws -> Value {
        let waiter = Waiter()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute {
                    guard case .new = waiter.state else {
                        return continuation.resume(throwing: CancellationError())
                    }
                    waiter.state = .waiting(continuation)
                    begin(waiter)
                }
            }
        } onCancel: {
            loop.execute { waiter.cancel() }
        }
    }

    func resume(_ result: Result<Value, any Error>) {
        guard case .waiting(let continuation) = state else { return }
        state = .over
        onCancelled = nil
        continuation.resume(with: result)
    }

    func fail(_ error: any Error) { resume(.failure(error)) }

    private func cancel() {
        guard !isCommitted else { return }
        guard case .waiting = state else { return state = .over }
        let forget = onCancelled
        fail(CancellationError())
        forget?()
    }
}

extension Waiter where Value == Void {
    func resume() { resume(.success(())) }
}

/// Something that lives on one event loop of the process, reached from any task.
final class Resident<Core>: Sendable {
    let loop: any EventLoop
    private let core: NIOLoopBound<Core>

    /// Makes the core on the loop.
    init(
        on loop: any EventLoop, _ make: @escaping @Sendable () throws -> Core
    ) async throws {
        self.loop = loop
        do {
            core = try await loop.submit { NIOLoopBound(try make(), eventLoop: loop) }.get()
        } catch {
            throw FTSLError.of(error)
        }
    }

    /// Runs on the loop, later.
    func execute(_ body: @escaping @Sendable (Core) -> Void) {
        let (loop, core) = (loop, core)
        loop.execute {
            body(core.value)
            // What it ended may still be on the stack; it goes one turn later, on the loop.
            loop.execute { _ = core }
        }
    }

    /// Suspends until the core resumes the waiter, or the task is cancelled.
    func wait<Value: Sendable>(
        _ begin: @escaping @Sendable (Core, Waiter<Value>) -> Void
    ) async throws -> Value {
        let core = core
        return try await Waiter.wait(on: loop) { begin(core.value, $0) }
    }

    /// Suspends until the core calls back, cancelled or not.
    func finish(_ begin: @escaping @Sendable (Core, @escaping () -> Void) -> Void) async {
        await withCheckedContinuation { continuation in
            execute { begin($0) { continuation.resume() } }
        }
    }
}
