internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// `ftsl migrate NAME --restart`: another program takes over in the same process. [FTSL §12]
extension Listener {
    // MARK: This program

    /// Refused while anything stands in its way; then everything goes on as before.
    func restart(as binary: String?, _ reply: ControlReply) {
        guard let loop, let path = binary ?? program else {
            return reply.done(.internalError, error: "the path of this program is not known")
        }
        if let refusal { return refuse(reply, refusal) }
        let successor = Successor(path)
        let image: RestartImage
        do {
            image = try trial()
        } catch {
            return refuse(reply, Failure(.local, .migrationRefused, error.text))
        }
        let children = exec?.children ?? ChildWatcher(on: loop)
        successor.check(image.encoded, children: children, on: loop) { [self] failure in
            if let failure = failure ?? refusal { return refuse(reply, failure) }
            // Alone in its file again.
            guard let inbox = takeInbox() else { return hand(over: successor, reply) }
            inbox.close { [self] in hand(over: successor, reply) }
        }
    }

    private var refusal: Failure? {
        let text: String? =
            if options.isStdio {
                "this listener's service is its own stdin and stdout, whose next bytes may have "
                    + "been read already"
            } else if stoppedBy != nil || finalEnding != nil || isRetiring {
                "this listener is ending"
            } else if host?.isBusy == true {
                "a migration is on its way"
            } else { nil }
        return text.map {
            Failure(.local, .migrationRefused, $0)
        }
    }

    private func refuse(_ reply: ControlReply, _ failure: Failure) {
        log.notice("not restarted: \(failure.text)")
        let status: ExitStatus =
            options.isStdio ? .usage : failure.code == .versionMismatch ? .violation : .rolledBack
        reply.done(status, error: failure.text)
    }

    /// What would be handed over now; nothing is.
    private func trial() throws(Unmovable) -> RestartImage {
        let kept = KeptDescriptors()
        defer {
            kept.release()
            driver?.goOnHere()
        }
        return try image(kept, nil)
    }

    private func image(
        _ kept: KeptDescriptors, _ reply: ControlReply?
    ) throws(Unmovable) -> RestartImage {
        var image = RestartImage()
        image.since = MonotonicClock.now
        guard let driver, let listening else { throw Unmovable("it does not listen yet") }
        (image.service, image.sessions) = try driver.hold(kept)
        image.descriptors[.listener] = try kept.keep(socket: listening.channel)
        if let local { image.descriptors[.local] = try kept.keep(socket: local.channel) }
        image.descriptors[.control] = try control?.hold(kept)
        image.descriptors[.reply] = try reply?.hold(kept)
        return image
    }

    /// One turn of the loop: nothing comes between the image and the next program.
    private func hand(over successor: Successor, _ reply: ControlReply) {
        log.info("\(successor.path) takes over")
        reply.progress([
            "phase": .string("restart"),
            "sessions": .integer(UInt64(driver?.acceptor.streamSessions.count ?? 0)),
        ])
        let kept = KeptDescriptors()
        let failure: Failure
        do {
            let image = try image(kept, reply)
            failure = successor.replace(
                with: image.encoded, kept, environment: manager?.environment ?? [:])
        } catch {
            failure = Failure(.local, .migrationRefused, error.text)
        }
        kept.release()
        driver?.goOnHere()
        if let loop { serveInbox(on: loop) }
        refuse(reply, failure)
    }

    // MARK: The next program

    /// Goes on with what the last program left; before anybody can connect.
    func takeOver() {
        guard let inheritance else { return }
        do {
            try driver?.goOn(with: inheritance.sessions)
        } catch {
            end(Ending(.internalError, "what the last program left is of no use: \(error.text)"))
        }
    }

    /// Says so once it serves.
    func tookOver() {
        guard let inheritance else { return }
        let pause = MonotonicClock.now.since(inheritance.since)
        let count = UInt64(inheritance.sessions.count)
        let fields: [String: JSONValue] = [
            "sessions": .integer(count), "pause_ms": .integer(pause.wholeNanoseconds / 1_000_000),
            "binary": .string(program ?? ""), "version": .string(CommandLineTool.version),
            "pid": .integer(UInt64(getpid())),
        ]
        log.notice(MigrationLine(fields).restarted, fields)
        guard let descriptor = inheritance.descriptors[.reply] else { return }
        let last = fields.merging([
            "done": .bool(true), "status": .integer(UInt64(ExitStatus.success.rawValue)),
        ]) { $1 }
        // The operator may be gone, which changes nothing.
        _ = RawOutput.write(JSONValue.object(last).line, to: descriptor)
        close(descriptor)
    }
}

/// `ftsl --check-image`: whether this program could go on from the image on its standard input.
enum ImageCheck {
    static func run() -> Never {
        let log = Log(threshold: .error, format: .text)
        do {
            let image = MemoryFile.content(of: 0)
            _ = try RestartImage(image)
            let isHeard = RawOutput.write(String(buffer: Successor.answer(to: image)), to: 1)
            ProcessEnd.with(isHeard ? .success : Ending(.inputOutput, "cannot answer"), log)
        } catch {
            ProcessEnd.with(Ending(.violation, error.text), log)
        }
    }
}
