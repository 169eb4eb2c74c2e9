internal import FTSLCore
internal import FTSLTransport
internal import Glibc
internal import NIOConcurrencyHelpers
package import NIOCore
internal import NIOPosix

/// Writes to a descriptor of any kind on a thread of its own; see `DescriptorSource` for why.
///
/// "Taken" means that write() returned, or with `sync` that the data is on disk.
package final class DescriptorSink: ByteSink, @unchecked Sendable {
    package var onTaken: ((Int) -> Void)?
    package var onFinished: (() -> Void)?
    package var onFailed: ((SinkFailure) -> Void)?

    /// What `finish` does to the descriptor.
    package enum Ending: Sendable {
        case close
        /// Others go on using it.
        case leaveOpen
    }

    private let descriptor: CInt
    private let ending: Ending
    private let sync: Bool
    private let loop: any EventLoop
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private var isStarted = false
    private let queue = Queue()

    private enum Work: Sendable {
        case write([ByteBuffer])
        case finish
        case cancel
    }

    /// Bounded by the receive window: nothing is queued that was not granted.
    private final class Queue: @unchecked Sendable {
        private let lock = ConditionLock(value: false)
        private var buffers: [ByteBuffer] = []
        private var isFinished = false
        private var isCancelled = false

        func append(_ bytes: ByteBuffer) {
            lock.lock()
            buffers.append(bytes)
            lock.unlock(withValue: true)
        }

        func finish() {
            lock.lock()
            isFinished = true
            lock.unlock(withValue: true)
        }

        func cancel() {
            lock.lock()
            isCancelled = true
            buffers = []
            lock.unlock(withValue: true)
        }

        func next() -> Work {
            lock.lock(whenValue: true)
            if isCancelled {
                lock.unlock(withValue: true)
                return .cancel
            }
            guard !buffers.isEmpty else {
                lock.unlock(withValue: true)
                return .finish
            }
            let count = min(buffers.count, DescriptorSink.vectors)
            let batch = Array(buffers.prefix(count))
            buffers.removeFirst(count)
            lock.unlock(withValue: !buffers.isEmpty || isFinished)
            return .write(batch)
        }
    }

    static let vectors = 16

    package init(
        descriptor: CInt, ending: Ending, sync: Bool = false, on loop: any EventLoop
    ) {
        self.descriptor = descriptor
        self.ending = ending
        self.sync = sync
        self.loop = loop
    }

    package func write(_ bytes: ByteBuffer) {
        start()
        queue.append(bytes)
    }

    package func finish() {
        start()
        queue.finish()
    }

    /// A pipe has only one kind of end; the exit status tells the rest.
    package func fail() { finish() }

    package func cancelOutput() {
        queue.cancel()
        onTaken = nil
        onFinished = nil
        onFailed = nil
    }

    private func start() {
        guard !isStarted else { return }
        isStarted = true
        Descriptor.enlargePipe(descriptor)
        pool.start()
        pool.submit { [self] _ in run() }
    }

    // MARK: On the thread

    private func run() {
        var isRunning = true
        while isRunning {
            switch queue.next() {
            case .write(let batch):
                if let failure = write(batch) {
                    loop.execute { [self] in onFailed?(failure) }
                    isRunning = false
                }
            case .finish:
                let failure = close()
                loop.execute { [self] in
                    if let failure { onFailed?(failure) } else { onFinished?() }
                }
                isRunning = false
            case .cancel: isRunning = false
            }
        }
        pool.shutdownGracefully { _ in }
    }

    private func write(_ batch: [ByteBuffer]) -> SinkFailure? {
        var rest = batch[...]
        while !rest.isEmpty {
            let count = Self.writeVector(rest, to: descriptor)
            let code = errno
            guard count >= 0 else {
                if code == EINTR { continue }
                if code == EAGAIN {
                    Descriptor.wait(descriptor, for: CShort(POLLOUT))
                    continue
                }
                return Self.failure(code)
            }
            if sync, let failure = synchronize() { return failure }
            loop.execute { [self] in onTaken?(count) }
            var left = count
            while left > 0, let first = rest.first {
                if first.readableBytes <= left {
                    left -= first.readableBytes
                    rest.removeFirst()
                } else {
                    rest[rest.startIndex].moveReaderIndex(forwardBy: left)
                    left = 0
                }
            }
        }
        return nil
    }

    private static func writeVector(_ buffers: ArraySlice<ByteBuffer>, to fd: CInt) -> Int {
        if buffers.count == 1, let only = buffers.first {
            return only.withUnsafeReadableBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
        }
        var vectors: [iovec] = []
        vectors.reserveCapacity(buffers.count)
        return collect(buffers, into: &vectors, to: fd)
    }

    /// Pins one buffer per level, so that all pointers are valid during the one writev.
    private static func collect(
        _ buffers: ArraySlice<ByteBuffer>, into vectors: inout [iovec], to fd: CInt
    ) -> Int {
        guard let first = buffers.first else { return writev(fd, vectors, CInt(vectors.count)) }
        return first.withUnsafeReadableBytes { bytes in
            vectors.append(
                iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                    iov_len: bytes.count))
            return collect(buffers.dropFirst(), into: &vectors, to: fd)
        }
    }

    private func synchronize() -> SinkFailure? {
        // EINVAL and EROFS: the descriptor is no file; a pipe has nothing to sync.
        guard fdatasync(descriptor) != 0, errno != EINVAL, errno != EROFS else { return nil }
        return Self.failure(errno)
    }

    private func close() -> SinkFailure? {
        guard ending == .close else { return nil }
        let code =
            descriptor <= 2
            ? Descriptor.closeKeepingNumber(descriptor)
            : (Glibc.close(descriptor) == 0 ? 0 : errno)
        return code == 0 ? nil : Self.failure(code)
    }

    private static func failure(_ code: CInt) -> SinkFailure {
        if code == EPIPE || code == ECONNRESET { return .readerGone(unread: 0) }
        let text = TransportFailure.text(of: code)
        return .failed(
            Failure(.local, .localInputOutput, "cannot write the output: \(text)"))
    }
}
