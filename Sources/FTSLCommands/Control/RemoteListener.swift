internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A listener that is asked over a session of its own, by a key that it lets control it.
///
/// A thread carries the session; who asks blocks on a socket whose other end that thread has.
final class RemoteListener: Sendable {
    private let name: String
    private let ending = Mutex<Ending?>(nil)
    private let isOver = ConditionLock(value: false)

    /// Asks the listener at one of these endpoints; always with TLS, on loopback too.
    static func call(
        _ endpoints: [Endpoint], _ options: ServerKeyOptions, name: String, log: Log
    ) throws -> ControlCall {
        let security = try ConnectSecurity(options, endpoints, always: true, log: log)
        var pair: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
            throw Ending(.internalError, "no socket: \(TransportFailure.text(of: errno))")
        }
        let remote = RemoteListener(name)
        remote.start(pair[1], endpoints, security, log)
        return ControlCall(ControlLink(adopting: pair[0]), name: name, remote)
    }

    private init(_ name: String) { self.name = name }

    private func start(
        _ descriptor: CInt, _ endpoints: [Endpoint], _ security: ConnectSecurity, _ log: Log
    ) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let start = Start(endpoints: endpoints, security: security, log: log)
        loop.execute { [self] in
            let pipe = ChannelPipe()
            PlainChannel.adopt(descriptor, pipe, on: loop).assumeIsolated().whenSuccess {
                self.dial(start, pipe, on: loop)
            }
        }
    }

    private struct Start: @unchecked Sendable {
        var endpoints: [Endpoint]
        var security: ConnectSecurity
        var log: Log
    }

    private func dial(_ start: Start, _ pipe: ChannelPipe, on loop: any EventLoop) {
        var configuration = InitiatorConfiguration()
        configuration.service = SessionRights.controlService
        configuration.firstTimeout = .seconds(10)
        configuration.giveUpAfter = ControlCall.remotePatience
        configuration.linger = .seconds(2)
        let driver = InitiatorDriver(
            endpoints: start.endpoints, configuration: configuration,
            security: start.security.security, on: loop)
        driver.onOpened = { handle in
            let plumbing = Plumbing(handle)
            plumbing.attach(sink: pipe, to: .main)
            plumbing.attach(source: pipe, to: .main)
            return plumbing
        }
        driver.onEnded = { [self] outcome, failure in
            if failure?.code == .peerUnknown,
                start.security.askAboutStranger(
                    on: loop, start.log, again: { self.dial(start, pipe, on: loop) })
            {
                return
            }
            ended(outcome, failure)
            pipe.fail()
            // Not now: the driver is still on the stack.
            let bound = NIOLoopBound(driver, eventLoop: loop)
            loop.execute {
                bound.value.whenQuiet {
                    self.isOver.lock()
                    self.isOver.unlock(withValue: true)
                }
            }
        }
        driver.start()
    }

    private func ended(_ outcome: Outcome?, _ failure: Failure?) {
        var reason = failure
        switch outcome {
        case .aborted(let why, _, _), .lost(let why, _, _): reason = why
        case .complete, .stopped, nil: break
        }
        guard let reason else { return }
        ending.withLock { [name] in
            $0 = Ending(
                reason.code.exitStatus, "\(name): \(reason.text)", code: reason.code)
        }
    }

    /// Why there is no answer; nil: the session has not ended badly.
    var reason: Ending? { ending.withLock { $0 } }

    /// The listener hears that nothing more is asked, so that it forgets the session at once.
    func finish() {
        if isOver.lock(whenValue: true, timeoutSeconds: 2) { isOver.unlock() }
    }
}
