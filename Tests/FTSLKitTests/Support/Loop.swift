import Glibc
import NIOCore
import NIOPosix
import Testing

/// An event loop of the test's own; what lives on it is touched only there.
final class TestLoop: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var loop: any EventLoop { group.next() }

    /// Runs on the loop and waits for it.
    @discardableResult
    func run<T>(_ body: @escaping () throws -> T) throws -> T {
        let carried = Carried(body)
        return try loop.submit { Carried(try carried.value()) }.wait().value
    }

    /// Runs on the loop and waits for what it promises.
    func wait<T>(_ body: @escaping () -> EventLoopFuture<T>) throws -> T {
        let carried = Carried(body)
        return try loop.flatSubmit {
            carried.value().assumeIsolated().map { Carried($0) }.nonisolated()
        }
        .wait().value
    }

    /// Waits until a condition holds on the loop; it must before the limit.
    func expect(
        _ claim: Comment, within limit: Duration = .seconds(60),
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: @escaping () -> Bool
    ) throws {
        let end = ContinuousClock.now + limit
        while try !run(condition) {
            try #require(ContinuousClock.now < end, claim, sourceLocation: sourceLocation)
            usleep(500)
        }
    }

    deinit { group.shutdownGracefully { _ in } }
}

/// Takes a value to the loop and back, where nobody else sees it.
struct Carried<T>: @unchecked Sendable {
    let value: T
    init(_ value: T) { self.value = value }
}
