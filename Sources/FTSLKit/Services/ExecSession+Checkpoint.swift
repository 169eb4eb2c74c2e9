internal import FTSLCore
internal import Glibc
internal import NIOCore

extension ExecSession {
    /// What stands in the way of a checkpoint now.
    var obstacle: Unmovable? {
        if mayPart { return nil }
        do throws(Unmovable) {
            _ = try askable()
            return nil
        } catch {
            return error
        }
    }

    private func askable() throws(Unmovable) -> (
        ExecChild, CheckpointFolder.Files, CheckpointDeclaration
    ) {
        guard handle.session.outcome == nil, !isOver else {
            throw Unmovable("its session has ended")
        }
        guard !hasEnded, let child else { throw Unmovable("its command has ended") }
        guard ask?.answer == nil else {
            throw Unmovable("its command is being asked for a checkpoint already")
        }
        guard let files = child.files else {
            throw Unmovable("there is no private folder for its command's files")
        }
        guard let declaration = try child.declaration() else {
            throw Unmovable(
                "its command has not declared that it can move, by a line 'ready' to descriptor 4")
        }
        return (child, files, declaration)
    }

    /// Asks the command to leave a checkpoint and end.
    func checkpoint(then answer: @escaping (CheckpointAnswer) -> Void) {
        if mayPart { return part(then: answer) }
        do throws(Unmovable) {
            let (child, files, declaration) = try askable()
            // Open before the writing side closes or the reader ends: then nothing is lost.
            let reading = input == nil ? -1 : try files.openInput()
            do throws(Unmovable) {
                try files.setMark()
            } catch {
                if reading >= 0 { close(reading) }
                throw error
            }
            ask(child, declaration, reading, answer)
        } catch {
            answer(.failure(error))
        }
    }

    private func ask(
        _ child: ExecChild, _ declaration: CheckpointDeclaration, _ reading: CInt,
        _ answer: @escaping (CheckpointAnswer) -> Void
    ) {
        var asked = ask ?? Ask(declaration: declaration)
        asked.answer = answer
        asked.isPassing = false
        let bound = NIOLoopBound(self, eventLoop: setup.loop)
        let limit = setup.options.checkpointTimeout
        asked.timer = setup.loop.scheduleTask(
            in: .nanoseconds(Int64(limit.wholeNanoseconds))
        ) {
            bound.value.giveUp("its command left no checkpoint within \(limit.plain)")
        }
        ask = asked
        if reading >= 0 { input?.hold(reading) }
        // Its last words need not wait for the peer, who may be away.
        plumbing.keepsEnd = { [weak self] in
            self?.ask?.ended.insert($0)
            return true
        }
        plumbing.overdraft = Int(clamping: setup.options.checkpointBuffer)
        plumbing.onOverdrawn = { [weak self] in
            guard let self else { return }
            giveUp(
                "its command wrote \(setup.options.checkpointBuffer) bytes more than the session "
                    + "has room for")
        }
        plumbing.askAgain()
        switch declaration {
        case .endOfInput: input?.endEarly()
        case .signal(let number): child.process.signal(number)
        }
    }

    /// The command goes on; what it leaves later is started anew here.
    ///
    /// After the end of its input there is no way back: what comes waits for its end.
    private func giveUp(_ reason: String) {
        guard let answer = ask?.answer else { return }
        ask?.answer = nil
        ask?.timer?.cancel()
        ask?.timer = nil
        plumbing.overdraft = nil
        plumbing.onOverdrawn = nil
        if case .signal? = ask?.declaration {
            child?.files?.clearMark()
            ask?.isPassing = true
            input?.release()
            let late = ask?.input ?? ByteBuffer()
            ask?.input = ByteBuffer()
            if late.readableBytes > 0 { pass(late, on: .main) }
            if handle.session.receivingChannels[0].finPosition != nil { finished(.main) }
        }
        answer(.failure(Unmovable(reason)))
    }

    /// Nobody asks any more; everything goes its ordinary way.
    func takeAsk() -> Ask? {
        defer { ask = nil }
        ask?.timer?.cancel()
        plumbing.keepsEnd = nil
        plumbing.overdraft = nil
        plumbing.onOverdrawn = nil
        return ask
    }
}

extension Duration {
    /// `5s`, `250ms`: as people write it.
    var plain: String {
        let milliseconds = wholeNanoseconds / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
