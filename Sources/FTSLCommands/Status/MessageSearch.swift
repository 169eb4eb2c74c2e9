internal import FTSLCore
internal import FTSLKit
internal import FTSLStore

/// What `ftsl status` says about one message.
struct MessageReport: Equatable {
    var state: MessageState
    /// Its number in the inbox, once known.
    var index: UInt64?
    var letter: DeadLetter?

    init(_ state: MessageState) { self.state = state }

    /// `accepted` is what the outbox knows; who is not there any more was finished by all.
    init(_ fate: InboxFate, accepted: Bool) {
        switch fate {
        case .accepted(let index):
            self.init(.accepted)
            self.index = index.value
        case .processed(let index):
            self.init(.processed)
            self.index = index.value
        case .dead(let letter):
            self.init(.dead)
            index = letter.index.value
            self.letter = letter
        case .resolved(let resolution): self.init(MessageState(.resolved(resolution)))
        case .gone: self.init(accepted ? .processed : .unknown)
        }
    }

    func object(id: String) -> [String: JSONValue] {
        var object = state.object(id: id)
        if let index { object["index"] = .integer(index) }
        if let letter {
            object["cursor"] = .string(letter.cursor)
            object["attempts"] = .integer(UInt64(letter.attempts))
            object["text"] = .string(letter.reason)
        }
        return object
    }

    var text: String {
        guard let letter else { return state.text }
        return Log.harmless(
            "\(state.text): \(letter.reason) (\(letter.cursor), "
                + "\(Numbers.count(UInt64(letter.attempts), "attempt")))")
    }
}

/// Finds out what became of a message: from the outbox, and from its inbox where that is here.
struct MessageSearch {
    var outbox: String
    /// The path of an inbox or a listener that has one; nil: the one that the outbox met, should a
    /// listener of this user have it.
    var inbox: String?

    func report(of id: String) throws -> MessageReport {
        let place =
            FileStatus.exists(outbox) ? try MessageLookup(outbox).place(of: id) : nil
        let inspection = try inbox.map { try InboxInspection(Self.path(of: $0)) } ?? met(place)
        guard let inspection else {
            return MessageReport(place?.outcome.map { MessageState($0) } ?? .unknown)
        }
        guard let place else { return try report(of: id, in: inspection) }
        if let met = place.inbox, try inspection.summary().identity.id != met {
            throw Ending(.noInput, "message \(id) went to another inbox, \(met)")
        }
        return try report(place, in: inspection)
    }

    /// What the sender knows, and what has come of it since.
    private func report(
        _ place: OutboxInspection.Place, in inspection: InboxInspection
    ) throws -> MessageReport {
        let known = MessageReport(place.outcome.map { MessageState($0) } ?? .unknown)
        let fate: InboxFate?
        switch place.outcome {
        case .resolved(.duplicate(let index)): fate = try inspection.fate(at: index)
        case .resolved: return known
        case .accepted, .queued, .sent, nil:
            fate = try inspection.fate(of: place.producer, place.sequence)
        }
        switch fate {
        case .accepted? where known.state != .accepted && place.outcome?.isFinal == true:
            return known
        case .gone? where place.outcome?.isFinal != true: return known
        case nil: return known
        case let fate?: return MessageReport(fate, accepted: true)
        }
    }

    /// Without the sender's outbox.
    private func report(
        of id: String, in inspection: InboxInspection
    ) throws -> MessageReport {
        if let known = try inspection.known(id: id).last {
            return MessageReport(
                try inspection.fate(at: known.message.index), accepted: true)
        }
        guard let name = MessageName(id),
            let fate = try inspection.fate(of: name.producer, LaneSequence(name.sequence))
        else { return MessageReport(.unknown) }
        return MessageReport(fate, accepted: false)
    }

    // MARK: Inboxes

    /// The inbox that was met, where a listener of this user has it.
    private func met(_ place: OutboxInspection.Place?) throws -> InboxInspection? {
        switch place?.outcome {
        case .accepted, .resolved(.duplicate): break
        default: return nil
        }
        guard let met = place?.inbox else { return nil }
        for listener in try RunningListener.all() {
            guard case .success(let fields) = listener.answer,
                let path = fields["inbox"]?.plainText,
                // One that cannot be looked into says nothing, and another may be the one.
                let inspection = try? InboxInspection(path),
                try inspection.summary().identity.id == met
            else { continue }
            return inspection
        }
        return nil
    }

    static func path(of text: String) throws -> String {
        if case .path(let path) = Place(text, exists: FileStatus.exists),
            !FileStatus.isSocket(path)
        {
            return path
        }
        guard let call = try RunningListener.local(text) else {
            throw Ending(
                .unreachable,
                "no listener of this user runs at \(text); 'ftsl status' shows those that do",
                see: "ftsl status")
        }
        let listener = try call.run(ControlRequest("listener"))
        guard let path = listener["inbox"]?.plainText else {
            throw Ending(.noInput, "the listener '\(text)' has no inbox")
        }
        return path
    }
}
