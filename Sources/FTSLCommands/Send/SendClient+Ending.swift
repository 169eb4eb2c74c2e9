internal import FTSLCore
internal import FTSLKit
internal import Glibc
internal import NIOCore

extension SendClient {
    // MARK: The end

    func received(signal number: Int32) {
        switch number {
        case SIGHUP: messenger?.retryNow()
        case SIGUSR1:
            let stored = Numbers.count(sent.count, "message")
            log.notice("\(stored) stored, \(sent.openCount) without an outcome")
        default:
            guard interruptedBy == nil else {
                end(Ending(status: ExitStatus.signal(number)))
            }
            interruptedBy = number
            reader?.cancel()
            if inputEnd == nil { inputEnded(Ending(status: ExitStatus.signal(number))) }
            let bound = NIOLoopBound(self, eventLoop: loop)
            let limit = Int64(global.drainTimeout.duration.wholeNanoseconds)
            loop.scheduleTask(in: .nanoseconds(limit)) {
                bound.value.conclude(Ending(status: ExitStatus.signal(number)))
            }
        }
    }

    func conclude(_ ending: Ending) {
        guard !isOver else { return }
        isOver = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        // The farewell is a courtesy.
        loop.scheduleTask(in: .seconds(1)) { bound.value.end(ending) }
        // Not now: the sender is still on the stack.
        loop.execute {
            let client = bound.value
            if let messenger = client.messenger {
                messenger.finish { client.end(ending) }
            } else if let bestEffort = client.bestEffort {
                bestEffort.finish { client.end(ending) }
            }
        }
    }

    func end(_ ending: Ending) -> Never { ProcessEnd.with(ending, log) }
}
