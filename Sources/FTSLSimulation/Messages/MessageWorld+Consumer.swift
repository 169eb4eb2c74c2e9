internal import FTSLCore
internal import NIOCore

/// Consumers and their programs.
extension MessageWorld {
    func consumer(_ process: ClientProcess) -> ConsumerScenario {
        scenario.consumers[process.client - scenario.producers.count]
    }

    func startConsumer(_ process: ClientProcess) {
        let scenario = consumer(process)
        var configuration = ConsumerPort.Configuration(kind: scenario.kind)
        configuration.cursor = scenario.cursor
        configuration.filter = scenario.filter
        configuration.start = .beginning
        configuration.maxMessages = scenario.maxMessages
        configuration.maxBytes = scenario.maxBytes
        configuration.maxAttempts = scenario.maxAttempts
        configuration.inbox = process.identity?.id
        configuration.generation = process.identity?.generation ?? .first
        process.consumer = ConsumerPort(configuration)
        process.application = ConsumerApplication()
        if process.life == 1 {
            for time in scenario.returnsAt {
                queue.push(
                    .wake(process.client, life: process.life, .returns),
                    at: now + nanoseconds(time))
            }
        }
        dial(process)
    }

    func drainConsumer(_ process: ClientProcess) -> Bool {
        var any = false
        while let effect = process.consumer?.nextEffect() {
            any = true
            handle(effect, process)
        }
        return any
    }

    private func handle(_ effect: ConsumerPort.Effect, _ process: ClientProcess) {
        let client = UInt64(process.client)
        switch effect {
        case .subscribed(let subscribed):
            trace.note(now, "subscribed", client, subscribed.floor.value)
            process.identity = InboxIdentity(
                id: subscribed.inbox, generation: subscribed.generation)
            if process.application?.position == nil, consumer(process).kind == .ephemeral {
                checker.ephemeralStarts(process.client, at: subscribed.floor)
            }
        case .began(let index, let attempt, let head):
            trace.note(now, "delivery begins", client, index.value, "attempt \(attempt)")
            begin(index, head, process)
        case .body(let index, let bytes): body(bytes, of: index, process)
        case .complete(let index):
            trace.note(now, "delivered", client, index.value)
            complete(index, process)
        case .dropped(let index):
            trace.note(now, "delivery dropped", client, index.value)
            let held = process.application?.deliveries.removeValue(forKey: index)
            let count = held?.untaken ?? 0
            process.application?.untakenMessages -= 1
            process.application?.untakenBytes -= count
            process.consumer?.took(messages: 0, bytes: count)
        case .settled(let index, let verdict):
            trace.note(now, "settled", client, index.value, "\(verdict)")
            process.application?.deliveries[index] = nil
        case .returned(let index, let isDone):
            trace.note(now, "returned", client, index.value, "\(isDone)")
        case .caughtUp(let index):
            trace.note(now, "caught up", client, index.value)
            process.application?.caughtUp = index
        case .refused(let failure):
            trace.note(now, "subscription refused", client, 0, failure.text)
            refused(failure, process)
        }
    }

    private func refused(_ failure: Failure, _ process: ClientProcess) {
        switch failure.code {
        case .superseded:
            process.stopped = failure
            stop(process)
        case .inboxUnavailable, .staleGeneration, .localInputOutput:
            queue.push(
                .wake(process.client, life: process.life, .renew), at: now + 1_000_000_000)
        default:
            process.stopped = failure
            stop(process)
        }
    }

    private func begin(
        _ index: InboxIndex, _ head: MessageFrame.DeliveryHead, _ process: ClientProcess
    ) {
        guard process.application?.deliveries[index] == nil else {
            return fail(.delivered, "message \(index.value) begins twice at \(process.client)")
        }
        process.application?.deliveries[index] = ConsumerApplication.Delivery(head: head)
        process.application?.untakenMessages += 1
        process.application?.serials[index, default: 0] += 1
        checkHeld(process)
    }

    private func body(_ bytes: ByteBuffer, of index: InboxIndex, _ process: ClientProcess) {
        guard let head = process.application?.deliveries[index]?.head else {
            return fail(.delivered, "bytes of message \(index.value) without its beginning")
        }
        process.application?.deliveries[index]?.bytes
            .add(bytes, of: PseudoStream(seed: head.envelope.created))
        let count = UInt64(bytes.readableBytes)
        guard head.digest.count <= consumer(process).maxBytes else {
            process.consumer?.took(messages: 0, bytes: count)
            return
        }
        process.application?.deliveries[index]?.untaken += count
        process.application?.untakenBytes += count
        checkHeld(process)
    }

    /// Twice the window is the most that is ever held.
    private func checkHeld(_ process: ClientProcess) {
        guard let application = process.application else { return }
        let scenario = consumer(process)
        if application.untakenMessages > 2 * max(1, scenario.maxMessages)
            || application.untakenBytes > 2 * max(1, scenario.maxBytes)
        {
            fail(
                .bounded,
                "client \(process.client) holds \(application.untakenMessages) messages, "
                    + "\(application.untakenBytes) bytes")
        }
    }

    private func complete(_ index: InboxIndex, _ process: ClientProcess) {
        guard let delivery = process.application?.deliveries[index] else { return }
        process.application?.deliveries[index]?.isWhole = true
        checker.delivered(
            index, delivery.head, delivery.bytes, to: process.client, consumer(process))
        let work = consumer(process).work
        let serial = process.application?.serials[index] ?? 0
        let time = work == 0 ? 0 : UInt64(rng.spread(0...work)) * 1_000_000
        queue.push(
            .wake(process.client, life: process.life, .worked(index, delivery: serial)),
            at: now + time)
    }

    func woken(_ process: ClientProcess, _ wake: MessageEvent.Wake) {
        switch wake {
        case .worked(let index, let serial): worked(index, serial, process)
        case .renew: process.consumer?.renew()
        case .returns:
            let name = consumer(process).cursor
            let letters = inbox.tables.letters.keys.filter { $0.cursor == name }
            for letter in letters.sorted(by: { $0.index < $1.index }) {
                trace.note(now, "returns", UInt64(process.client), letter.index.value)
                checker.returns(letter.index, of: name)
                process.consumer?.return(letter.index)
            }
        }
        process.core?.touched(now: process.clock(now))
        pump(process)
    }

    private func worked(_ index: InboxIndex, _ serial: Int, _ process: ClientProcess) {
        guard process.application?.serials[index] == serial,
            let delivery = process.application?.deliveries[index]
        else { return }
        process.application?.untakenMessages -= 1
        process.application?.untakenBytes -= delivery.untaken
        process.consumer?.took(messages: 1, bytes: delivery.untaken)
        process.application?.deliveries[index]?.untaken = 0
        let scenario = consumer(process)
        guard scenario.isDurable else {
            process.application?.deliveries[index] = nil
            let position = process.application?.position ?? index
            process.application?.position = max(index, position)
            return
        }
        switch rng.within(0...99) {
        case 0..<scenario.retries:
            checker.answered(index, of: scenario.cursor, isDone: false)
            process.consumer?.retry(index, after: .milliseconds(rng.pick([0, 0, 10, 3_000])))
        case scenario.retries..<scenario.retries + scenario.deaths:
            checker.answered(index, of: scenario.cursor, isDone: true)
            process.consumer?.dead(index, reason: "the script says so")
        default:
            checker.answered(index, of: scenario.cursor, isDone: true)
            process.consumer?.done(index)
        }
    }
}
