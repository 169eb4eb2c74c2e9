internal import FTSLCore
internal import FTSLStore
internal import NIOCore
internal import NIOPosix

/// Work that waits for a disk, away from the event loop.
enum Background {
    static func run(
        on loop: any EventLoop, _ work: @escaping @Sendable () throws -> Void,
        then: @escaping (Result<Void, Failure>) -> Void
    ) {
        let bound = NIOLoopBound(then, eventLoop: loop)
        NIOThreadPool.singleton.submit { _ in
            let result: Result<Void, Failure>
            do {
                result = .success(try work())
            } catch {
                let text = (error as? StoreFailure)?.text ?? "\(error)"
                result = .failure(
                    error as? Failure ?? Failure(.local, .localInputOutput, text))
            }
            loop.execute { bound.value(result) }
        }
    }
}

extension Result where Success == Void, Failure == FTSLCore.Failure {
    var failure: FTSLCore.Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
