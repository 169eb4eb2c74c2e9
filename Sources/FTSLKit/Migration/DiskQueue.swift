package import FTSLCore
internal import FTSLStore
package import NIOCore
internal import NIOPosix

/// A thread of its own for records and files; work is done in order.
package final class DiskQueue {
    /// Made with the first work: most listeners never move.
    private var pool: NIOThreadPool?
    private let loop: any EventLoop

    package init(on loop: any EventLoop) {
        self.loop = loop
    }

    deinit { pool?.shutdownGracefully { _ in } }

    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value,
        then: @escaping (Result<Value, Failure>) -> Void
    ) {
        let bound = NIOLoopBound(then, eventLoop: loop)
        let loop = loop
        let pool = pool ?? NIOThreadPool(numberOfThreads: 1)
        if self.pool == nil { pool.start() }
        self.pool = pool
        pool.submit { state in
            let result: Result<Value, Failure>
            switch state {
            case .active: result = Self.result(work)
            case .cancelled:
                result = .failure(Failure(.local, .shuttingDown, "the process ends"))
            }
            loop.execute { bound.value(result) }
        }
    }

    private static func result<Value>(_ work: () throws -> Value) -> Result<Value, Failure> {
        do {
            return .success(try work())
        } catch let failure as Failure {
            return .failure(failure)
        } catch {
            let text = (error as? StoreFailure)?.text ?? "\(error)"
            return .failure(Failure(.local, .localInputOutput, text))
        }
    }
}

extension Result where Failure == FTSLCore.Failure {
    package var failure: FTSLCore.Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
