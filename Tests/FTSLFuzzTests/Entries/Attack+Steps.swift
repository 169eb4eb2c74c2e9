internal import FTSLCore
internal import NIOCore

/// What the adversary can do; the input decides what it does.
extension Attack {
    func step(_ input: inout FuzzInput) throws(Broken) {
        let index = input.choice(slots.count)
        switch input.choice(16) {
        case 0: connect(index)
        case 1: sendRaw(index, &input)
        case 2: hangUp(index)
        case 3: try wait(until: now + .milliseconds(1 << input.choice(15)))
        case 4: ask(index, &input)
        case 5, 6: try answer(index, &input)
        case 7: resume(index, &input)
        case 8: forge(index, &input)
        case 9, 10, 11: craft(index, &input)
        case 12: slots[index].isBlocked.toggle()
        case 13, 14: act(&input)
        default: write(index, &input)
        }
        try pump()
    }

    private func connect(_ index: Int) {
        hangUp(index)
        slots[index] = Slot(id: newConnection(from: "adversary"))
    }

    private func hangUp(_ index: Int) {
        guard let id = slots[index].id else { return }
        slots[index].id = nil
        slots[index].session?.detach(now: now)
        acceptor.closed(id, nil, now: now)
    }

    /// To the listener, in pieces of the input's choice.
    private func send(_ index: Int, _ bytes: ByteBuffer, _ input: inout FuzzInput) {
        guard let id = slots[index].id else { return }
        var bytes = bytes
        let pieces = input.choice(3)
        for _ in 0..<pieces {
            let count = min(bytes.readableBytes, Int(input.byte()))
            guard count > 0, let piece = bytes.readSlice(length: count) else { continue }
            acceptor.receive(id, piece, now: now)
        }
        if bytes.readableBytes > 0 { acceptor.receive(id, bytes, now: now) }
    }

    private func sendRaw(_ index: Int, _ input: inout FuzzInput) {
        let bytes = input.take(Int(input.byte()))
        if bytes.readableBytes > 0 { slots[index].isTainted = true }
        send(index, bytes, &input)
    }

    /// OPEN, whole or damaged.
    private func ask(_ index: Int, _ input: inout FuzzInput) {
        if slots[index].id == nil { connect(index) }
        let limits = SessionLimits(
            maxPayload: 1_024 << UInt32(input.choice(8)),
            initialWindow: 1 << UInt32(input.choice(32)),
            heartbeat: .milliseconds(20 << input.choice(10)),
            sessionTimeout: .seconds(1 + input.choice(100)))
        begin(
            index,
            .opening(service: "", limits: limits, maxWindow: 256 << 10, using: &rng), &input)
    }

    private func resume(_ index: Int, _ input: inout FuzzInput) {
        guard !owned.isEmpty else { return }
        if slots[index].id == nil { connect(index) }
        let session = owned[input.choice(owned.count)]
        let step = UInt64(input.choice(3))
        let number = AttachmentNumber(session.highestAttachment.value &+ step)
        slots[index].number = number
        slots[index].session = session
        begin(index, .resuming(session, as: number, using: &rng), &input)
    }

    private func begin(
        _ index: Int, _ handshake: InitiatorHandshake, _ input: inout FuzzInput
    ) {
        var handshake = handshake
        // A second question on one connection is something no honest client does.
        if slots[index].handshake != nil { slots[index].isTainted = true }
        if var bytes = handshake.takeOutgoing() {
            if bytes.mutate(by: &input) { slots[index].isTainted = true }
            slots[index].handshake = handshake
            send(index, bytes, &input)
        }
    }

    /// The adversary looks at what came and does what an honest client would; its answer may be
    /// damaged.
    private func answer(_ index: Int, _ input: inout FuzzInput) throws(Broken) {
        let inbox = slots[index].inbox
        slots[index].inbox = []
        for bytes in inbox {
            if var handshake = slots[index].handshake, slots[index].session?.isAttached != true {
                let result = try? handshake.receive(bytes)
                slots[index].handshake = handshake
                if let result { conclude(index, result, &input) }
            } else {
                slots[index].session?.receive(bytes, now: now)
            }
        }
        guard let session = slots[index].session, session.isAttached else { return }
        while let event = session.nextEvent() {
            if case .data(let channel, let bytes) = event {
                session.took(bytes.readableBytes, from: channel, now: now)
            }
        }
        var out: [ByteBuffer] = []
        session.transmit(into: &out, limit: 64 << 10, now: now)
        for var bytes in out {
            _ = bytes.mutate(by: &input)
            send(index, bytes, &input)
        }
    }

    private func conclude(
        _ index: Int, _ result: InitiatorHandshake.Result, _ input: inout FuzzInput
    ) {
        let session: Session
        var reports: [ChannelReport] = []
        switch result {
        case .opened(let identity, let host, _):
            session = Session(
                identity: identity, host: host, budget: SharedBudget(capacity: 1 << 30), now: now)
            owned.append(session)
            slots[index].session = session
        case .resumed(_, let theirs):
            guard let resumed = slots[index].session else { return }
            session = resumed
            session.detach(now: now)
            reports = theirs
        case .verdict: return
        }
        guard var proof = slots[index].handshake?.takeOutgoing() else { return }
        if proof.mutate(by: &input) { slots[index].isTainted = true }
        session.attach(slots[index].number, reports: reports, now: now)
        send(index, proof, &input)
    }

    /// A RESUME for the honest session, by somebody who does not know its secret.
    private func forge(_ index: Int, _ input: inout FuzzInput) {
        guard let id = honest.id else { return }
        if slots[index].id == nil { connect(index) }
        slots[index].isTainted = true
        send(index, Craft.resume(id, acceptor.host, &input), &input)
    }

    private func craft(_ index: Int, _ input: inout FuzzInput) {
        let session = slots[index].session
        let known =
            Craft.positions(of: session)
            + Craft.positions(of: session.flatMap { acceptor.session($0.identity.id) })
        let frame = Craft.frame(from: &input, near: known)
        if session?.isAttached != true { slots[index].isTainted = true }
        send(index, frame, &input)
    }

    /// The service behind one of the adversary's sessions does something.
    private func act(_ input: inout FuzzInput) {
        guard !owned.isEmpty else { return }
        let id = owned[input.choice(owned.count)].identity.id
        guard let application = applications[id] else { return }
        application.act(&input, now: now)
        acceptor.touched(id, now: now)
    }

    /// The adversary's own end writes, ends or gives up, by the rules.
    private func write(_ index: Int, _ input: inout FuzzInput) {
        guard let session = slots[index].session else { return }
        switch input.choice(4) {
        case 0: session.finish(.main)
        case 1: session.abort(Failure(.local, .applicationFailed, "given up"))
        default:
            let count = min(session.room(on: .main), Int(input.word()))
            if count > 0 { session.write(ByteBuffer(repeating: 1, count: count), to: .main) }
        }
    }
}
